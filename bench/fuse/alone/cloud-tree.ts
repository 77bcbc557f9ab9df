import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { HttpRemote } from '../../../src/cloud/http/http-remote.ts';
import { login } from '../../../src/cloud/http/login.ts';
import type { Remote } from '../../../src/cloud/remote.ts';
import type { Intent } from '../../../src/cloud/records.ts';
import { background } from '../../../src/vfs/context.ts';
import type { CloudAddress } from '../../lib/drive.ts';

/** Files per folder. */
const PER_FOLDER = 1000;
/** Most intents that the cloud accepts in one transaction. */
const BATCH = 500;

/** Calls `use` with the cloud, as a separate device. */
export async function withRemote<T>(
  cloud: CloudAddress,
  use: (remote: Remote, token: string) => Promise<T>,
): Promise<T> {
  const device = { name: 'bench', platform: 'linux' };
  const { token } = await login({ url: cloud.url }, { ...cloud, device }, background);
  const remote = new HttpRemote({ url: cloud.url, token });
  try {
    return await use(remote, token);
  } finally {
    await remote.close();
  }
}

/**
 * Creates a number of nodes in /Sync through the cloud's API: folders of a thousand files, which all have the same
 * content. Resolves to the path of the last one below /Sync.
 */
export async function fillCloud(cloud: CloudAddress, nodes: number): Promise<string> {
  await withRemote(cloud, async (remote) => {
    const sync = (await remote.spaces(background)).find(({ kind }) => kind === 'sync');
    if (sync === undefined) throw new Error('the account has no Sync space');
    const data = randomBytes(4096);
    const digest = createHash('sha256').update(data).digest();
    await remote.upload([{ digest: digest.toString('hex'), data }], background);
    const content = { size: data.length, blocks: digest.toString('base64') };
    let batch: Intent[] = [];
    for (const intent of intents(sync, nodes, content)) {
      batch.push(intent);
      if (batch.length === BATCH) batch = await commit(remote, batch);
    }
    await commit(remote, batch);
  });
  const last = nodes - 1;
  const folder = last - (last % (PER_FOLDER + 1));
  return folder === last ? nameOf(last) : `${nameOf(folder)}/${nameOf(last)}`;
}

function nameOf(node: number): string {
  return `node-${String(node).padStart(7, '0')}`;
}

async function commit(remote: Remote, batch: readonly Intent[]): Promise<never[]> {
  if (batch.length === 0) return [];
  const refused = (await remote.commit(batch, background)).find(({ status }) => status === 'refused');
  if (refused !== undefined) throw new Error(`the cloud refused: ${JSON.stringify(refused)}`);
  return [];
}

/** Yields the intents. The first node is a folder; the last one is also the last in the cloud's feed. */
function* intents(
  space: { readonly id: string; readonly root: string },
  nodes: number,
  content: { readonly size: number; readonly blocks: string },
): Generator<Intent> {
  const born = { space: space.id, mode: 0o644, mtime: Date.now(), birthtime: Date.now() };
  let parent = space.root;
  for (let i = 0; i < nodes; i++) {
    const node = randomUUID();
    const base = { id: randomUUID(), ...born, node };
    const name = nameOf(i);
    if (i % (PER_FOLDER + 1) === 0) {
      yield { op: 'mkdir', ...base, mode: 0o755, parent: space.root, name };
      parent = node;
    } else yield { op: 'put', ...base, parent, name, version: randomUUID(), base: null, content };
  }
}
