import fc from 'fast-check';
import t from 'tap';
import { FsError } from '../../src/vfs/fs-error.ts';
import { openPair, type Pair } from '../helpers/devices.ts';
import { ALONE, step, TwoDevicesRun, type Parties, type Party } from '../helpers/two-devices-run.ts';

t.setTimeout(600_000);

/** Number of random histories. The service runs in this process, and every call can be made to fail. */
const RUNS = Number(process.env['FJORD_MODEL_RUNS'] ?? 40);

/** Both devices are offline except while they sync, so their changes are concurrent. */
t.test('two devices converge to the same tree, and no content is lost', { timeout: 300_000 }, async (t) => {
  const pair = await openPair(t);
  const parties = partiesOf(pair);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
      const top = await begin(pair, `/Sync/run-${runs++}`);
      pair.netA.offline = true;
      pair.netB.offline = true;
      const run = new TwoDevicesRun(parties, top);
      for (const one of steps) await run.step(one);
      await run.check();
    }),
    { numRuns: RUNS },
  );
});

t.test('while both are connected all the time', { timeout: 300_000 }, async (t) => {
  const pair = await openPair(t);
  const parties = partiesOf(pair);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fc.nat(3)), { minLength: 10, maxLength: 60 }), async (steps) => {
      const run = new TwoDevicesRun(parties, await begin(pair, `/Sync/run-${runs++}`));
      for (const [one, pause] of steps) {
        if (ALONE.has(one.do)) continue;
        await run.step(one);
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause * 3));
      }
      // A device may remove what it has just received from the other before this test has seen it.
      await run.check({ owed: false });
    }),
    { numRuns: Math.ceil(RUNS / 2) },
  );
});

/** A folder that both devices show. */
async function begin(pair: Pair, top: string): Promise<string> {
  pair.netA.offline = false;
  pair.netB.offline = false;
  await pair.a.mkdir(top);
  await pair.converge();
  return top;
}

function partiesOf({ cloud, a, b, netA, netB, converge }: Pair): Parties {
  const party = (device: Pair['a'], net: Pair['netA']): Party => ({
    device,
    remote: net,
    actions: device,
    restart: () => device.restart(),
    setOffline: async (offline) => void (net.offline = offline),
    disturb: (calls, answer) => {
      let left = calls;
      cloud.disturb = (_call, after) => {
        if (after === answer && left-- > 0) throw new FsError('EAGAIN', 'test', { reason: 'lost' });
      };
    },
  });
  return { a: party(a, netA), b: party(b, netB), converge };
}
