import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import { login } from '../../src/cloud/http/login.ts';
import { background as context } from '../../src/vfs/context.ts';

// What a soak asks the cloud for an account, run in the cloud's namespace:
//   account-main.ts URL EMAIL PASSWORD kept            prints the hashes of all contents that are kept: files, versions, Trash
//   account-main.ts URL EMAIL PASSWORD revoke DEVICE   revokes the token of a device
const [url = '', email = '', password = '', what = '', name = ''] = process.argv.slice(2);
const { token } = await login({ url }, { email, password, device: { name: 'examiner', platform: 'test' } }, context);
await (what === 'kept' ? printKept() : revoke());

async function printKept(): Promise<void> {
  const remote = new HttpRemote({ url, token });
  const kept = new Set<string>();
  for (const { id } of await remote.spaces(context)) {
    for await (const { node, versions } of remote.past(id, context)) {
      if (node.hash !== null) kept.add(node.hash);
      for (const { hash } of versions) kept.add(hash);
    }
  }
  await remote.close();
  console.log([...kept].join('\n'));
}

async function revoke(): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/v1/devices`, { headers });
  const { devices } = (await response.json()) as { devices: readonly { id: string; name: string }[] };
  const id = devices.find((one) => one.name === name)?.id ?? '';
  const { status } = await fetch(`${url}/v1/devices/${id}`, { method: 'DELETE', headers });
  console.log(status);
}
