import t, { type Test } from 'tap';
import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import { remoteContract } from '../contract/remote.ts';
import { startTestCloud } from '../helpers/cloud.ts';

t.setTimeout(500_000);

remoteContract(t, async (t: Test) => {
  const { url, login, password } = await startTestCloud(t);
  const open = async (device: string) => {
    const remote = new HttpRemote({ url, token: await login(device) });
    t.teardown(async () => remote.close());
    return remote;
  };
  return { first: await open('laptop'), second: await open('desktop'), password };
});
