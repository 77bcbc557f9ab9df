import t from 'tap';
import { asNobody, withoutNobody } from '../helpers/as-nobody.ts';

const skip = await withoutNobody();

t.setTimeout(500_000);

t.test('the whole program as an unprivileged user', { skip }, async (t) => {
  const script = `
    begin
    echo "mounted on $M"; test "$M" = "$D/data/mount"
    cd "$M/Sync"; echo hello > f; mkdir d; mv f d/g; stat -c '%u %a' d/g
    head -c 3000000 /dev/urandom > big; sha256sum big > sum; cp big again; cmp big again
    git init -q repo; cd repo; echo x > x; git add x; git -c user.name=x -c user.email=x@x commit -qm one; git fsck --strict; cd ..
    chmod 400 d/g; ! echo no >> d/g 2> /dev/null
    cd /; before=$(access gateway.pid); kill -9 $before
    for i in $(seq 600); do test "$(access gateway.pid)" = $before || break; sleep 0.1; done
    cd "$M/Sync"; sha256sum --quiet -c sum; cat d/g
    cd /; fjord unmount; ! mountpoint -q "$M"; fjord mount "$D/other"; cat "$D/other/Sync/d/g"; fjord flush
    end; ! mountpoint -q "$D/other"; echo ended`;
  const { code, out, errors } = await asNobody(t, script);
  if (!t.equal(code, 0)) t.comment(`${out}\n${errors}`);
  t.match(out, /^mounted on \S+\/data\/mount\n65534 644\nhello\nhello\nended\n$/);
});

t.test('a user without access to the device has the drive over WebDAV', { skip }, async (t) => {
  const script = `
    begin
    echo "mount $M"; grep 'not mounted' "$D/out"
    echo hello | fjord put - /Sync/f; fjord cat /Sync/f; fjord status | grep mount
    end`;
  const { code, out, errors } = await asNobody(t, script, { device: '600' });
  if (!t.equal(code, 0)) t.comment(`${out}\n${errors}`);
  t.match(
    out,
    /^mount null\nthe drive is not mounted on \S+: this user is not permitted to open \/dev\/fuse; change its permissions; it can be reached by WebDAV\nhello\n/,
  );
  t.match(out, /mount {6}not on .*not permitted to open/);
});
