import type { Test } from 'tap';
import { background as context } from '../../src/vfs/context.ts';
import { login, startTestCloud, type TestCloud } from './cloud.ts';
import { openHttpDevice, type HttpDevice } from './http-devices.ts';

const PASSWORD = 'long enough it is';
const BOB = 'bob@example.org';

/** Two accounts with a computer each. */
export interface SharedRig {
  readonly cloud: TestCloud;
  readonly ada: HttpDevice;
  readonly bob: HttpDevice;
  /** Opens another computer. */
  readonly open: (name: 'ada' | 'bob', device: string) => Promise<HttpDevice>;
  /** Waits until nothing is queued and both have seen everything. */
  readonly rest: () => Promise<void>;
  /** Shares a folder of ada with bob, who accepts. Resolves to its space. */
  readonly share: (path?: string, role?: 'editor' | 'viewer') => Promise<string>;
}

export async function sharedRig(t: Test): Promise<SharedRig> {
  const cloud = await startTestCloud(t);
  await cloud.cloud.accounts.add(BOB, PASSWORD);
  const bobs: TestCloud = { ...cloud, email: BOB, login: (device) => login(cloud.url, BOB, PASSWORD, device) };
  const open = (name: 'ada' | 'bob', device: string) => openHttpDevice(t, name === 'ada' ? cloud : bobs, device);
  const ada = await open('ada', 'ada-1');
  const bob = await open('bob', 'bob-1');
  const rest = async (): Promise<void> => {
    for (let round = 0; round < 2; round++) for (const { device } of [ada, bob]) await device.sync();
  };
  const share = async (path = '/Sync/Team', role: 'editor' | 'viewer' = 'editor'): Promise<string> => {
    await ada.device.sync();
    const { id } = await ada.device.stat(path);
    const { space } = await ada.remote.share(id, BOB, role, context);
    await bob.remote.acceptShare(space, context);
    await ada.device.sync();
    await bob.device.sync();
    return space;
  };
  return { cloud, ada, bob, open, rest, share };
}
