import t from 'tap';
import { replay } from './history.ts';
import { parse } from './step.ts';

/** A shortened history that has found a bug. The seeds determine the latencies of the network. */
interface Script {
  readonly what: string;
  readonly seeds: readonly number[];
  readonly devices: number;
  readonly steps: string;
}

const SCRIPTS: readonly Script[] = [
  {
    what: 'a new folder that was moved through one that is gone is sent to where it is, not made a second time',
    seeds: [18, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/a
      a mkdir /Sync/a/c
      a mv /Sync/a/c /Sync/c
      a mv /Sync/a /Sync/b
      b mkdir /Sync/c
      a cpnew /Sync/b /Sync/c/b
      a mv /Sync/b /Sync/c/b/d
      a mv /Sync/c/b /Sync/c/a
      a mv /Sync/c/a/d /Sync/d
      a rmtree /Sync/c`,
  },
  {
    what: 'a folder that was moved into one that was moved into it, and removed, is not put below itself',
    seeds: [19, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/a
      a mkdir /Sync/a/a
      a mkdir /Sync/a/a/b
      a mv /Sync/a/a/b /Sync/b
      a swap /Sync/a/a /Sync/b
      - wait 1500
      a mv /Sync/b /Sync/a/b
      b mv /Sync/a /Sync/b/b
      b mkdir /Sync/b/a
      b mv /Sync/b/b/a /Sync/a
      b mkdir /Sync/a/a
      b mkdir /Sync/b/a/a
      b swap /Sync/b /Sync/a
      b mv /Sync/a/a/a /Sync/b/a/b
      b swap /Sync/a/a /Sync/b/a
      b rmdir /Sync/a/b
      a pull`,
  },
  {
    what: 'what a snapshot lacks is not shown either when its folder, removed here in vain, comes back',
    seeds: [47, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/b
      a write /Sync/a a0..........
      a mkdir /Archive/a
      - wait 1500
      b rmdir /Sync/b
      b write /Sync/a b1
      b mkdir /Sync/b
      a mkdir /Sync/b/b
      a mkdir /Sync/b/b/a
      a pull
      a rmtree /Sync/b/b/a`,
  },
  {
    what: 'a file that was renamed elsewhere is shown, though a rename here that was not sent has its name',
    seeds: [1, 2, 3],
    devices: 2,
    steps: `
      a write /Sync/F f
      a write /Sync/G g
      - meet
      a cut
      a mv /Sync/G /Sync/F
      b mv /Sync/F /Sync/H
      b flush`,
  },
  {
    what: 'folders that were moved into each other before they were sent do not wait for each other',
    seeds: [1, 2, 3],
    devices: 2,
    steps: `
      a mkdir /Sync/C
      a write /Sync/C/f f
      - meet
      a slow 3000
      a mkdir /Sync/A
      a mkdir /Sync/A/B
      a rm /Sync/C/f
      a mv /Sync/A/B /Sync/C/f
      a mv /Sync/A /Sync/C/f/A`,
  },
  {
    what: 'a folder that the own one was united with is not taken for gone when a rename of that was refused with it',
    seeds: [1, 2, 189],
    devices: 2,
    steps: `
      b cut
      b mkdir /Sync/a
      a mkdir /Sync/b
      a mv /Sync/b /Sync/a
      - wait 1500
      b mv /Sync/a /Sync/b`,
  },
  {
    what: 'the same with two new folders that change places',
    seeds: [1, 2, 89],
    devices: 2,
    steps: `
      b mkdir /Sync/b
      b mkdir /Sync/a
      a mkdir /Sync/b
      b swap /Sync/b /Sync/a`,
  },
  {
    what: 'a file that was moved into a folder that is made anew is not copied there',
    seeds: [1, 2, 536],
    devices: 2,
    steps: `
      a mkdir /Sync/a
      a pull
      b mv /Sync/a /Sync/b
      b write /Sync/c b1
      a rmdir /Sync/a
      a flush
      b mv /Sync/c /Sync/b/c`,
  },
  {
    what: 'a node that was replaced here comes back beside what has its name, not over it',
    seeds: [1, 2, 461],
    devices: 2,
    steps: `
      a create /Sync/c a1
      - meet
      a mv /Sync/c /Sync/a
      b mv /Sync/c /Sync/b
      b mv /Sync/b /Sync/e
      b save /Sync/e b6
      b mv /Sync/e /Sync/a`,
  },
  {
    what: 'the mode of a folder that was made on two computers is the same on both',
    seeds: [1, 2, 99],
    devices: 2,
    steps: `
      a mkdir /Sync/c
      b mkdir /Sync/a
      b mv /Sync/a /Sync/c
      a cut
      a chmod /Sync/c 600`,
  },
  {
    what: 'a copy of a file that was created again by reference does not wait for ever',
    seeds: [600889],
    devices: 2,
    steps: `
      a create /Sync/c a0
      a mv /Sync/c /Sync/ss
      a mv /Sync/ss /Sync/%C3%A9
      a mv /Sync/%C3%A9 /Sync/d
      b create /Sync/b b2...
      b write /Sync/d b3.....
      b pull
      b create /Sync/a b5...........
      - meet
      b kill 4
      b mv /Sync/b /Sync/d
      b mv /Sync/d%20(conflict,%20a,%202026-01-01%2000.00.00) /Sync/%C3%A9
      a write /Sync/d a7........
      b create /Sync/b b8.......
      a mv /Sync/d /Sync/d%20(conflict,%20a,%202026-01-01%2000.00.00)
      a flush
      b cp /Sync/%C3%A9 /Sync/a
      a rewrite /Sync/b a17.........`,
  },
  {
    what: 'a file that was replaced and removed while it was open leaves no staged file',
    seeds: [1, 2],
    devices: 2,
    steps: `
      b open h1 /Sync/c
      b write /Sync/c b7
      b rm /Sync/c`,
  },
  {
    what: 'nor does one that was removed while it was being sent',
    seeds: [1, 2],
    devices: 2,
    steps: `
      b slow 10000
      b write /Sync/c same1
      - wait 400
      b rm /Sync/c
      a write /Sync/c c13`,
  },
  {
    what: 'a folder that was empty here is not removed with what another computer has put into it',
    seeds: [1491, 1, 2],
    devices: 2,
    steps: `
      b create /Sync/a b0....
      - wait 15000
      a mv /Sync/a /Sync/b
      b mkdir /Sync/b
      - wait 1500
      b write /Sync/b%20(conflict,%20a,%202026-01-01%2000.00.15) b7...
      b rmdir /Sync/b
      a mv /Sync/b%20(conflict,%20a,%202026-01-01%2000.00.15) /Sync/b/a`,
  },
  {
    what: 'an atomic save over a change that this computer has not seen leaves both',
    seeds: [1, 2, 3],
    devices: 2,
    steps: `
      a write /Sync/f first
      - meet
      a cut
      a save /Sync/f mine
      b append /Sync/f theirs
      - wait 3000
      a heal
      - wait 3000`,
  },
  {
    what: 'what was created again here is shown when it is restored from the Trash',
    seeds: [1, 2, 3],
    devices: 2,
    steps: `
      a write /Sync/f one
      a mkdir /Sync/d
      a write /Sync/d/g gee
      - meet
      a cut
      a append /Sync/f two
      a append /Sync/d/g two
      b rm /Sync/f
      b rmtree /Sync/d
      b flush
      a heal
      - wait 3000
      b restore
      b restore`,
  },
  {
    what: 'a folder that was removed elsewhere is created again for what is moved into it, though its own move comes later',
    seeds: [1, 2, 3],
    devices: 2,
    steps: `
      a mkdir /Sync/t
      a mkdir /Sync/t/x
      a mkdir /Sync/t/p
      - meet
      b cut
      b mv /Sync/t/x /Sync/t/p/x
      b mkdir /Sync/t/x
      b mv /Sync/t/p /Sync/t/x/p
      a rmtree /Sync/t/p
      a flush
      b heal`,
  },
  {
    what: 'what was in a folder when it was removed elsewhere is not shown in the one that is created for it here',
    seeds: [419, 1, 2],
    devices: 2,
    steps: `
      b mkdir /Sync/b
      - meet
      b cut
      b write /Sync/b/d mine
      a write /Sync/b/e theirs
      a mkdir /Sync/b/f
      a write /Sync/b/f/g theirs2
      a flush
      a rmtree /Sync/b
      a flush
      b heal`,
  },
  {
    what: 'a new folder whose name is taken elsewhere keeps its turn, with a folder that is moved into it and makes room for it',
    seeds: [494, 1, 2],
    devices: 2,
    steps: `
      b cut
      b mkdir /Sync/c
      b write /Sync/c/d d
      b flush
      b mkdir /Sync/a
      b mv /Sync/c /Sync/a/c
      b mv /Sync/a /Sync/c
      a write /Sync/a a
      a flush
      b heal`,
  },
  {
    what: 'a file that stays on this computer takes the name of one that does not, which is removed everywhere',
    seeds: [783, 1, 2],
    devices: 2,
    steps: `
      a write /Sync/A text
      a mv /Sync/A /Sync/._a
      a mkdir /Sync/d
      a mv /Sync/d /Sync/.DS_Store
      - meet
      b save /Sync/._a mine
      b mkdir /Sync/._d
      b mv /Sync/._d /Sync/.DS_Store`,
  },
  {
    what: 'a copy by reference of a version that the cloud has let go of is sent with its bytes, which are here',
    seeds: [1834],
    devices: 2,
    steps: `
      a write /Sync/b a0..
      b create /Sync/a same1
      - meet
      a write /Sync/a a4...
      a pull
      a pull
      b swap /Sync/a /Sync/b
      b truncate /Sync/b 8
      a write /Sync/a a8...
      b write /Sync/a same1
      a swap /Sync/a /Sync/b
      b flush
      b xattr /Sync/a user.b 1
      a flush
      a mv /Sync/b%20(conflict,%20b,%202026-01-01%2000.00.03) /Sync/a
      a mv /Sync/b /Sync/a
      b mv /Sync/b%20(conflict,%20b,%202026-01-01%2000.00.03) /Sync/a`,
  },
  {
    what: 'what was in a removed folder does not come back with a feed that was read before an earlier process removed it',
    seeds: [921, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/d
      a open h1 /Sync/d/b
      a add h1 a10.
      a restart
      a rmtree /Sync/d
      a flush
      a restart`,
  },
  {
    what: 'content that another computer has written is not removed with the folder that the file was moved into',
    seeds: [739, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/b
      a save /Sync/b/b a0..
      a create /Sync/a same1
      - meet
      a rewrite /Sync/a a4..
      b patch /Sync/b/b same0
      b swap /Sync/b/b /Sync/a
      b rmtree /Sync/b`,
  },
  {
    what: 'a new folder of the Archive is moved into one that was made after it, with what is in it',
    seeds: [294, 1],
    devices: 2,
    steps: `
      a mkdir /Archive/d
      a write /Archive/d/f f
      a mkdir /Archive/d/e
      a mkdir /Archive/c
      a write /Archive/d/e/g g
      a mv /Archive/d /Archive/c/d
      a mv /Archive/c/d/f /Archive/c/f
      a mkdir /Archive/x
      a mv /Archive/c /Archive/x/c`,
  },
  {
    what: 'what was sent before its folder was removed here is not stored again below a folder that is gone',
    seeds: [733, 1, 2],
    devices: 2,
    steps: `
      b mkdir /Sync/a.txt
      b mkdir /Sync/a.txt/%C3%89
      b write /Sync/a.txt/%C3%89/%C3%89 b1.......
      - meet
      a lose 2
      b create /Sync/a.txt/%C3%89/a b3...........
      a truncate /Sync/a.txt/%C3%89/%C3%89 0
      b rmtree /Sync/a.txt`,
  },
  {
    what: 'nor is what was moved into it before',
    seeds: [652, 1, 2],
    devices: 2,
    steps: `
      b open h3 /Sync/d
      a mkdir /Sync/b
      a mkdir /Sync/b/b
      - wait 5000
      b create /Sync/b/b/d b11..........
      - wait 1500
      b mv /Sync/b/b/d /Sync/b/b/._a
      b mv /Sync/b/b /Sync/b/ss
      b mv /Sync/d /Sync/b/ss/._a
      - wait 100
      b rmtree /Sync/b`,
  },
  {
    what: 'a sealed file that is replaced by equal bytes has the same times on all computers',
    seeds: [954, 1],
    devices: 2,
    steps: `
      b mkdir /Archive/a
      b write /Archive/a/c same0
      - wait 15000
      a rewrite /Archive/a/c same0`,
  },
  {
    what: 'a disk that is full in spite of the reservation is reported as `ENOSPC`, as an `FsError`',
    seeds: [1, 2],
    devices: 2,
    steps: `
      a write /Sync/d text
      - wait 5000
      a full 1
      a patch /Sync/d more
      a full 0
      a patch /Sync/d more2`,
  },
  {
    what: 'what was put into a folder, removed there and created again here, is not stored below a folder that is gone',
    seeds: [20263661, 1],
    devices: 2,
    steps: `
      a create /Sync/c a6...........
      a mkdir /Sync/a
      a mkdir /Sync/a/b
      - wait 15000
      a create /Sync/a/b/a a7.......
      - wait 20
      a rmtree /Sync/a
      b swap /Sync/a /Sync/c
      b cut
      - wait 1500`,
  },
  {
    what: 'what is restored is shown though the response to its removal comes later, because the first one was lost',
    seeds: [20265211, 1],
    devices: 3,
    steps: `
      c mkdir /Sync/b
      c pull
      a mkdir /Sync/b/b
      a pull
      a lose 2
      a rmtree /Sync/b
      c pull
      a restore
      - wait 400`,
  },
  {
    what: 'a folder that is created again under a conflict name does not take the name from the file that has it',
    seeds: [20261475, 1],
    devices: 3,
    steps: `
      c mkdir /Sync/a
      a ln /Sync/c y
      - meet
      b rmtree /Sync/a
      c swap /Sync/c /Sync/a
      a cp /Sync/c /Sync/a/c
      c save /Sync/c/a c10
      a swap /Sync/c /Sync/a/c
      c cp /Sync/c/a /Sync/a
      - meet`,
  },
  {
    what: 'a folder that was moved out of a tree elsewhere, before that was removed here, is shown with what is in it',
    seeds: [1, 2],
    devices: 2,
    steps: `
      b mkdir /Sync/d
      b mkdir /Sync/d/s
      b mkdir /Sync/d/s/t
      b write /Sync/d/s/f text
      - meet
      a cut
      a rmtree /Sync/d
      b mv /Sync/d/s /Sync/s
      b flush
      a heal`,
  },
  {
    what: 'a symlink is not copied over a sealed file, which the cloud refuses',
    seeds: [1],
    devices: 2,
    steps: `
      a write /Archive/f text
      a ln /Sync/l x
      - wait 15000
      b cp /Sync/l /Archive/f
      a cp /Sync/l /Archive/f`,
  },
  {
    what: 'what was written to an open file without a name leaves no staged file when the cloud has kept the file',
    seeds: [20270207],
    devices: 2,
    steps: `
      a slow 10000
      a resync
      b open h1 /Sync/a
      b write /Sync/e b0........
      - meet
      a cut
      - meet
      - wait 5000
      - meet
      a create /Sync/a same0
      b xattr /Sync/e user.b 2
      a tear 2
      b cut
      a mv /Sync/e /Sync/a
      a mv /Sync/a /Sync/c
      a truncate /Sync/c 0
      a xattr /Sync/c user.b 1
      a read /Sync/c
      b mv /Sync/a /Sync/e
      b mv /Sync/e /Sync/b
      b mv /Sync/b /Sync/c
      b save /Sync/c same0
      - wait 15000
      b add h1 b2......
      - meet`,
  },
  {
    what: 'a file is not shown again by a late response, after the feed has reported that it was removed',
    seeds: [20272429],
    devices: 2,
    steps: `
      a pull
      a save /Sync/b a4..
      - meet
      a rm /Sync/b
      a save /Sync/b a5..
      a cut
      a mv /Sync/b /Sync/c
      a slow 3000
      b backup /Sync/b b7........
      b mv /Sync/b /Sync/c
      - meet
      b save /Sync/a b8....
      b cut
      b mv /Sync/a /Sync/c
      a save /Sync/c a11...
      a pull
      b mv /Sync/c /Sync/d
      - meet`,
  },
  {
    what: 'a folder that is moved through one which is created again waits for that, and is not created a second time',
    seeds: [20270584],
    devices: 3,
    steps: `
      - wait 20
      a write /Sync/c a0.
      a mkdir /Sync/ss
      a restart
      a mkdir /Sync/b
      a swap /Sync/b /Sync/ss
      a mv /Sync/ss /Sync/b
      - wait 100
      c mkdir /Sync/a
      c mkdir /Sync/.fjord-019b76da-a960-7be5-ac35-fabda25f47da/a
      c mkdir /Sync/.fjord-019b76da-a960-7be5-ac35-fabda25f47da/a/ss
      c mkdir /Sync/a/ss
      c swap /Sync/.fjord-019b76da-a960-7be5-ac35-fabda25f47da /Sync/a/ss
      c mv /Sync/a/ss/a/ss /Sync/a/c
      c mv /Sync/a/c /Sync/a/ss/c
      c mv /Sync/a/ss/c /Sync/ss/b
      c swap /Sync/a/ss /Sync/ss/b`,
  },
  {
    what: 'what was moved into a folder elsewhere goes with it, though the folder was removed here before, and there after',
    seeds: [1, 2],
    devices: 3,
    steps: `
      a mkdir /Sync/a
      a mkdir /Sync/d
      a write /Sync/d/f text
      - meet
      b cut
      b rmtree /Sync/a
      c mv /Sync/d /Sync/a/d
      c flush
      c rmtree /Sync/a
      c flush
      b heal`,
  },
  {
    what: 'what was in a folder that was removed with the one above it goes with it, though something new in it survives',
    seeds: [243, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/b
      a mkdir /Sync/b/b
      a save /Sync/b/b/a a4.....
      - wait 400
      b rmtree /Sync/b
      a save /Sync/b/b/b a9.......`,
  },
  {
    what: 'a file that was moved into a folder which was removed elsewhere, and then here with the file, is shown again where it was',
    seeds: [22, 1, 2],
    devices: 2,
    steps: `
      a save /Sync/a a3.....
      a mkdir /Sync/b
      - meet
      b rmtree /Sync/b
      a mv /Sync/a /Sync/b/%C3%89
      - wait 1
      a rmtree /Sync/b`,
  },
  {
    what: 'a content that was sent before a loss of power took it from this computer is shown as the cloud has it',
    seeds: [136, 1],
    devices: 2,
    steps: `
      a mkdir /Sync/A
      a create /Sync/d a0..........
      a create /Sync/A/b a1...........
      a create /Sync/A/c a2........
      a drop 3
      a mkdir /Sync/A/%C3%89
      a swap /Sync/A/b /Sync/A/%C3%89
      - meet
      a power 2
      a append /Sync/d a8......
      a mkdir /Sync/A/b/b
      a open h3 /Archive/%C3%89`,
  },
  {
    what: 'the same where the cloud reports it before it is tried here',
    seeds: [136, 1],
    devices: 2,
    steps: `
      a mkdir /Sync/A
      a create /Sync/d a0..........
      a create /Sync/A/b a1...........
      a create /Sync/A/c a2........
      a drop 3
      a mkdir /Sync/A/%C3%89
      a swap /Sync/A/b /Sync/A/%C3%89
      - meet
      a write /Sync/A/%C3%89 a3...
      a rm /Sync/A/%C3%89
      a power 2
      a append /Sync/d a8......
      a drop 3
      - meet`,
  },
  {
    what: 'a file whose content a loss of power has taken can be removed, with the one that it was to replace',
    seeds: [28, 1],
    devices: 2,
    steps: `
      a mkdir /Sync/a
      a write /Sync/a/b a2..........
      - meet
      a save /Sync/a/b a4.........
      a power 0
      a write /Sync/a/b a10.......`,
  },
  {
    what: 'what an earlier process has stored for a folder that was removed since is found when the space is compared',
    seeds: [20265584],
    devices: 2,
    steps: `
      b pull
      b ln /Sync/b y
      b pull
      b mkdir /Sync/a
      b slow 3000
      - wait 15000
      a mkdir /Sync/a/d
      b rmtree /Sync/a
      b mkdir /Sync/d
      - wait 5000
      b restart
      a rmtree /Sync/a`,
  },
  {
    what: 'a staged file stays until it survives a crash that no change names it any more',
    seeds: [20313954],
    devices: 2,
    steps: `
      a lose 1
      a write /Sync/b a0.....
      a write /Sync/b a1...
      a flush
      a save /Sync/a a2
      a pull
      a kill 5
      a mv /Sync/b /Sync/a
      a write /Sync/b a3..........
      - wait 400`,
  },
  {
    what: 'so does that of a file in a folder that is removed while it is being sent',
    seeds: [20316897],
    devices: 3,
    steps: `
      a mkdir /Sync/b
      c mkdir /Sync/a
      c write /Sync/a/a c0........
      c lose 1
      c restart
      a disks 50
      c chmod /Sync/a/a 600
      c kill 4
      c rmtree /Sync/a
      - meet`,
  },
  {
    what: 'a file that a refused move was to replace is shown again, although the moved one still has its name',
    seeds: [20315442],
    devices: 3,
    steps: `
      a save /Sync/a a0..........
      - wait 5000
      a mv /Sync/a /Sync/d
      b write /Sync/d b2..........
      a write /Sync/b a4...
      - wait 5000
      b mv /Sync/d%20(conflict,%20a,%202026-01-01%2000.00.05) /Sync/b
      a write /Sync/b a5...........
      a mv /Sync/d%20(conflict,%20a,%202026-01-01%2000.00.05) /Sync/d`,
  },
  {
    what: 'a folder that was removed while the refusal of a new one with its name was on its way does not come back',
    seeds: [20321688],
    devices: 2,
    steps: `
      b drop 1
      - wait 15000
      a mkdir /Sync/b
      - wait 20
      b restart
      b drop 2
      b slow 10000
      b mkdir /Sync/b
      - wait 400
      a rmtree /Sync/b`,
  },
  {
    what: 'a gateway that crashes at the very end is started again',
    seeds: [20313346],
    devices: 2,
    steps: `
      a write /Archive/d same1
      a resync
      a kill 0`,
  },
  {
    what: 'a truncate to the length that another computer has just written changes nothing',
    seeds: [20303146],
    devices: 3,
    steps: `
      c tear 3
      c write /Sync/e c0
      - wait 15000
      c rewrite /Sync/e c2.......
      - wait 20
      b mkdir /Sync/c
      b truncate /Sync/e 9`,
  },
  {
    what: 'a truncate goes on with the file that it has found under its name',
    seeds: [20326407],
    devices: 3,
    steps: `
      b create /Archive/c b1......
      a write /Sync/a a2...........
      a slow 300
      c write /Sync/a c6.
      c save /Sync/c c7.....
      a write /Sync/b a9......
      a flush
      a patch /Sync/a a10...
      a mv /Sync/b /Sync/a
      a mv /Sync/c /Sync/a
      c write /Sync/b c11.....
      b write /Sync/c b12.........
      b flush
      a slow 3000
      a truncate /Sync/a 10`,
  },
  {
    what: 'a file that was changed in part, of a version that the cloud has let go of, is put aside with that reason and can be removed',
    seeds: [20307532],
    devices: 3,
    steps: `
      a open h2 /Sync/a
      c save /Sync/a c2..
      - wait 400
      b write /Sync/a b5.........
      c mv /Sync/a /Sync/b
      - meet
      b mv /Sync/b /Sync/a%20(conflict,%20b,%202026-01-01%2000.00.00)
      - meet
      - meet
      b write /Sync/b b10....
      b cp /Sync/a%20(conflict,%20b,%202026-01-01%2000.00.00) /Sync/a
      c rm /Sync/a%20(conflict,%20b,%202026-01-01%2000.00.00)
      - wait 15000
      a write /Sync/b a16.
      a save /Sync/a a17........
      - meet
      a save /Sync/b a20....
      a mv /Sync/b /Sync/a%20(conflict,%20a,%202026-01-01%2000.00.24)
      - wait 20
      c mv /Sync/b /Sync/a
      c mv /Sync/a /Sync/b
      c append /Sync/b c25.......`,
  },
  {
    what: 'the result of an upload does not take the name of a node that got it later, and of which nothing more is reported',
    seeds: [20401443, 1, 2],
    devices: 2,
    steps: `
      a write /Sync/b a0....
      b save /Sync/b b2...
      - wait 5000
      b write /Sync/b%20(conflict,%20a,%202026-01-01%2000.00.00) b3.........
      a mv /Sync/b /Sync/c
      - wait 1
      a swap /Sync/c /Sync/b%20(conflict,%20a,%202026-01-01%2000.00.00)
      a append /Sync/c a4........
      a write /Sync/a a5...
      b append /Sync/b b6..........`,
  },
  {
    what: 'a folder that was moved out of one before that was removed is shown, though the one was renamed here',
    seeds: [20516639, 1, 2, 3],
    devices: 2,
    steps: `
      a mkdir /Sync/b
      a mkdir /Sync/b/c
      - wait 400
      a mv /Sync/b/c /Sync/c
      a rmdir /Sync/b
      b mv /Sync/b /Sync/c
      b mkdir /Sync/b
      b write /Sync/b/c b5.`,
  },
  {
    what: 'the same where that is known here only after the rename was refused',
    seeds: [20504162, 1, 2, 3],
    devices: 2,
    steps: `
      a mkdir /Sync/c
      a mkdir /Sync/c/a
      a mkdir /Sync/c/a/b
      - wait 20
      a cut
      - wait 15000
      a mv /Sync/c/a /Sync/a
      b mv /Sync/c/a/b /Sync/d
      b mv /Sync/c /Sync/d/c
      b mkdir /Sync/d/c/d
      b mv /Sync/d/c/d /Sync/d/c/a`,
  },
  {
    what: 'what is in a folder whose record waits is not removed with the folder that it has left',
    seeds: [20530165, 1, 2, 3],
    devices: 2,
    steps: `
      a slow 10000
      a save /Sync/a a0.....
      a mkdir /Sync/b
      b write /Sync/a b1.......
      - wait 1
      b rm /Sync/a
      b mkdir /Sync/b
      b mkdir /Sync/b/b
      b mv /Sync/b/b /Sync/a
      b mkdir /Sync/a/b
      b mv /Sync/a/b /Sync/b
      b mkdir /Sync/b/a`,
  },
  {
    what: 'a file that was replaced by one that was then moved into a folder is gone when that folder is removed',
    seeds: [20602403, 1, 2],
    devices: 2,
    steps: `
      b write /Sync/b b5........
      - wait 1500
      a mkdir /Sync/a
      a save /Sync/b a13
      a mv /Sync/b /Sync/a/c
      a rmtree /Sync/a`,
  },
  {
    what: 'what is in a folder that has lost its name to the result of a change stays until the feed shows where that folder is',
    seeds: [20700953, 1, 2],
    devices: 3,
    steps: `
      a mkdir /Sync/a
      a write /Sync/c a0..........
      b mkdir /Sync/b
      b mkdir /Sync/b/A
      c mkdir /Sync/b
      c flush
      c mv /Sync/b /Sync/a
      a mkdir /Sync/b`,
  },
  {
    what: 'a removed folder whose name another one has is created again where it was, not in what was in it',
    seeds: [20701542, 1, 2],
    devices: 3,
    steps: `
      c mkdir /Sync/a
      b mkdir /Sync/b
      - wait 100
      b mv /Sync/a /Sync/b/a
      b mv /Sync/b/a /Sync/b/b
      b mv /Sync/b/b /Sync/b/a
      b mkdir /Sync/b/a/a
      c mv /Sync/b /Sync/a/b
      c rmtree /Sync/a
      c mkdir /Sync/b`,
  },
  {
    what: 'a removed folder that is not shown, in one that is gone, too, is created again with what is new in it',
    seeds: [20701542, 1, 2],
    devices: 3,
    steps: `
      a mkdir /Sync/b
      a mkdir /Sync/b/b
      c mkdir /Sync/a
      - wait 100
      b mv /Sync/a /Sync/b/a
      b write /Sync/b/b/b b2....
      b mv /Sync/b/b /Sync/b/a
      b mkdir /Sync/b/a/a
      c mv /Sync/b /Sync/a/b
      c write /Sync/b c3.........
      c rmtree /Sync/a`,
  },
  {
    what: 'what is in a folder whose removal was refused is not swept after it was compared',
    seeds: [20800130, 1, 2],
    devices: 3,
    steps: `
      a mkdir /Sync/b
      b write /Sync/a b4
      b save /Sync/b b5.........
      c disks 50
      c write /Sync/a same0
      b write /Sync/a same0
      b write /Sync/a b9.........
      - meet
      c write /Sync/d c12..........
      c write /Sync/a%20(conflict,%20c,%202026-01-01%2000.00.04) c13
      c rmdir /Sync/b
      b cpnew /Sync/b /Sync/b/c
      b write /Sync/b/c/b b16..........
      - meet`,
  },
  {
    what: 'a copy in the Archive that cannot be sent, as its original is gone, can be removed',
    seeds: [20800804, 1, 2],
    devices: 3,
    steps: `
      b write /Sync/c b0......
      a save /Sync/a a2....
      - wait 1500
      c write /Sync/c c4...
      c create /Sync/b c5.......
      - meet
      a save /Sync/a a6........
      a mv /Sync/a /Sync/b
      - meet
      a cp /Sync/c /Archive/d
      b mv /Sync/b /Sync/c
      a write /Sync/b a7...
      - wait 15000`,
  },
  {
    what: 'what was renamed in a shared folder can leave it at a revision that the other space has had, too',
    seeds: [139, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      - wait 400
      b chmod /Sync/s 755
      b mkdir /Sync/s/a
      b mkdir /Sync/s/c
      b swap /Sync/s/a /Sync/s/c
      b mv /Sync/s/c /Sync/c`,
  },
  {
    what: 'a folder that was moved into one that was in it, and removed with that, is gone elsewhere, too',
    seeds: [20804686, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/b
      a mkdir /Sync/b/b
      a mkdir /Sync/b/b/b
      - meet
      b mkdir /Sync/c
      b mv /Sync/b/b /Sync/c/a
      - meet
      a mv /Sync/c/a /Sync/b/b
      a swap /Sync/b/b/b /Sync/c
      a rmtree /Sync/b
      a rmdir /Sync/c`,
  },
  {
    what: 'a file that was moved into a shared folder elsewhere, and removed here, is shown there',
    seeds: [2023, 1, 2],
    devices: 3,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      b create /Sync/a b0........
      - wait 5000
      b mvnew /Sync/a /Sync/s/e
      a rm /Sync/a`,
  },
  {
    what: 'a shared folder is not left before what was moved out of it has reached the cloud',
    seeds: [1066, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      - wait 400
      b save /Sync/s/b b1....
      - wait 400
      b mv /Sync/s/b /Sync/a
      b rmtree /Sync/s`,
  },
  {
    what: 'nothing is left of a shared folder of which records came after it was left',
    seeds: [1068, 1, 2],
    devices: 3,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      - meet
      c write /Sync/c c0...
      a open h2 /Sync/s/e
      a flush
      a rm /Sync/s/e
      b save /Sync/s/c b2.........
      c restart
      c write /Sync/b c3
      c save /Sync/s/c c4
      c write /Sync/s/d c7.......
      - meet
      c mkdir /Sync/s/a
      - wait 20
      c rmtree /Sync/s`,
  },
  {
    what: 'a new file of a shared folder can be moved into a folder that was moved out of it before',
    seeds: [1000, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      - wait 400
      b cp /Sync/s /Sync/s/a
      b mv /Sync/s/a /Sync/b
      b swap /Sync/b /Sync/s
      b write /Sync/b/c b8......
      - wait 20
      b mv /Sync/b/c /Sync/s/a`,
  },
  {
    what: 'a new folder in one that is leaving a shared folder can be moved back into that',
    seeds: [1052, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      - wait 400
      a mkdir /Sync/s/c
      a mkdir /Sync/s/c/b
      a mv /Sync/s/c /Sync/c
      a mkdir /Sync/c/b/a
      a mv /Sync/c/b/a /Sync/s/c`,
  },
  {
    what: 'what is in a folder that leaves a shared one belongs to the other space everywhere',
    seeds: [2037, 1, 2],
    devices: 3,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      - wait 400
      c cp /Sync/s /Sync/s/s
      b drop 2
      b cp /Sync/s /Sync/s/b
      b flush
      b mv /Sync/s/s /Sync/s/b/e
      - meet
      c mv /Sync/s/b /Sync/s/d
      - wait 15000
      b mv /Sync/s/d /Sync/d`,
  },
  {
    what: 'what is in a shared folder stays in its space when the folder above that comes to another one',
    seeds: [1031, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      a mv /Sync/s /Sync/c
      a mkdir /Sync/c/e
      a mkdir /Sync/b
      a mv /Sync/b /Sync/d
      a mkdir /Sync/d/e
      a mv /Sync/c /Sync/b
      a mv /Sync/d/e /Sync/a
      a mkdir /Sync/a/c
      a swap /Sync/a/c /Sync/b
      a swap /Sync/a /Sync/b
      a mkdir /Sync/b/c/a
      a mv /Sync/b/c/a /Sync/a
      a mv /Sync/b /Sync/d/c
      a mv /Sync/d/c/c /Sync/a/e`,
  },
  {
    what: 'the newest version of a file that was moved out of a shared folder is kept',
    seeds: [3238, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      - wait 400
      b write /Sync/s/ss b0..........
      b write /Sync/s/b b1.......
      - wait 1500
      b save /Sync/s/b b2...........
      b mv /Sync/s/b /Sync/s/ss
      b save /Sync/s/ss b3..
      b write /Sync/s/b b4.....
      - meet
      b mv /Sync/s/b /Sync/s/ss
      b mv /Sync/s/ss /Sync/ss
      b write /Sync/ss b9....`,
  },
  {
    what: 'a folder that is shared while something is written into it stays what it is',
    seeds: [3076, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      a write /Sync/s/e a1...........
      a pull`,
  },
  {
    what: 'a folder can be moved into one that was shared meanwhile',
    seeds: [3098, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      a mkdir /Sync/a
      a mkdir /Sync/s/c
      a mv /Sync/a /Sync/s/c/a
      a write /Archive/c a1..`,
  },
  {
    what: 'a new folder in a shared one is not sent before the folder that it was moved into, which was made elsewhere',
    seeds: [1012, 1, 2],
    devices: 2,
    steps: `
      a mkdir /Sync/s
      a flush
      a share /Sync/s
      - wait 400
      a mkdir /Sync/s/c
      a mkdir /Sync/a
      a mv /Sync/a /Sync/s/a
      a mv /Sync/s/c /Sync/s/a/a`,
  },
];

t.setTimeout(600_000);

for (const { what, seeds, devices, steps } of SCRIPTS) {
  t.test(what, async (t) => {
    for (const seed of seeds) {
      const { failure } = await replay(seed, devices, parse(steps));
      t.equal(failure?.message, undefined, `seed ${seed}`);
    }
  });
}
