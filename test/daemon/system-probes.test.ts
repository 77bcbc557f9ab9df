import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SystemProbes } from '../../src/daemon/system-probes.ts';
import { temporary } from '../helpers/temporary.ts';

type Supply = Partial<Record<'type' | 'scope' | 'status' | 'online', string>>;

const none = async (): Promise<string> => {
  throw new Error('there is no such program');
};

t.test('on battery: the own battery discharges and nothing feeds', async (t) => {
  const drained: Supply = { type: 'Battery', status: 'Discharging' };
  const cases: [string, Record<string, Supply>, boolean][] = [
    ['no supplies', {}, false],
    ['a laptop on battery', { AC: { type: 'Mains', online: '0' }, BAT0: drained }, true],
    ['a laptop on mains', { AC: { type: 'Mains', online: '1' }, BAT0: { type: 'Battery', status: 'Charging' } }, false],
    ['a weak charger', { usb: { type: 'USB', online: '1' }, BAT0: drained }, false],
    ['a full battery', { BAT0: { type: 'Battery', status: 'Full' } }, false],
    ['two batteries', { BAT0: { type: 'Battery', status: 'Not charging' }, BAT1: drained }, true],
    ['a mouse', { hid: { ...drained, scope: 'Device' } }, false],
    ['files that cannot be read', { BAT0: {} }, false],
  ];
  for (const [what, supplies, expected] of cases) {
    const powerSupplies = temporary(t);
    for (const [name, files] of Object.entries(supplies)) {
      mkdirSync(join(powerSupplies, name));
      for (const [file, text] of Object.entries(files)) writeFileSync(join(powerSupplies, name, file), `${text}\n`);
    }
    t.equal(await new SystemProbes({ powerSupplies, run: none }).isOnBattery(), expected, what);
  }
  t.equal(await new SystemProbes({ powerSupplies: '/nowhere', run: none }).isOnBattery(), false, 'no such folder');
});

t.test('metered: what NetworkManager says, through either program', async (t) => {
  const asks = async (answers: Record<string, string>): Promise<boolean> => {
    const run = async (program: string): Promise<string> => answers[program] ?? none();
    return new SystemProbes({ powerSupplies: '/nowhere', run }).isMetered();
  };
  const values = { 'u 0': false, 'u 1': true, 'u 2': false, 'u 3': true, 'u 4': false, nonsense: false };
  for (const [busctl, expected] of Object.entries(values)) t.equal(await asks({ busctl }), expected, busctl);
  t.equal(await asks({ nmcli: 'GENERAL.METERED:no\nGENERAL.METERED:yes (guessed)\n' }), true);
  t.equal(await asks({ nmcli: 'GENERAL.METERED:unknown\n' }), false);
  t.equal(await asks({}), false, 'neither is there');
});
