import t from 'tap';
import type { NodeRecord } from '../../../src/cloud/records.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startCloudProcess } from '../../helpers/cloud-process.ts';
import { contentOf, noise, put } from '../../helpers/intents.ts';

const ROUNDS = 4;
const WRITERS = 4;

t.setTimeout(500_000);

interface Promised {
  readonly node: NodeRecord;
  readonly bytes: Buffer;
}

t.test('after a kill at any time the cloud has everything that it acknowledged, exactly once', async (t) => {
  const cloud = await startCloudProcess(t);
  const token = await cloud.login();
  const acknowledged: Promised[] = [];
  const open = new Map<string, { intent: ReturnType<typeof put>; bytes: Buffer }>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const api = new Api(cloud.url, token);
    const space = await api.space('sync');
    // Requests without a response are sent again, unchanged.
    for (const [id, { intent, bytes }] of open) {
      await api.upload(bytes);
      acknowledged.push({ node: await api.done(intent), bytes });
      open.delete(id);
    }
    const stopped = new AbortController();
    const write = async (writer: number) => {
      for (let count = 0; !stopped.signal.aborted; count += 1) {
        const bytes = noise(16 + ((count * 7919 * (writer + 1)) % 300_000));
        const name = `${round}-${writer}-${count}`;
        const intent = put({ space: space.id, parent: space.root, name }, contentOf(bytes).wire);
        open.set(intent.id, { intent, bytes });
        await api.upload(bytes);
        const node = await api.done(intent);
        open.delete(intent.id);
        acknowledged.push({ node, bytes });
      }
    };
    const writers = Array.from({ length: WRITERS }, async (_, writer) => write(writer).catch(() => undefined));
    const goal = acknowledged.length + 8 + Math.floor(Math.random() * 20);
    while (acknowledged.length < goal) await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    await cloud.kill();
    stopped.abort();
    await Promise.all(writers);
    await cloud.start();
  }
  await check(new Api(cloud.url, token), acknowledged, open.size);
  t.ok(acknowledged.length >= ROUNDS * 8);
});

async function check(api: Api, acknowledged: readonly Promised[], open: number): Promise<void> {
  const { id } = await api.space('sync');
  const lines = (await api.call('GET', `/v1/spaces/${id}/snapshot`)).body as NodeRecord[];
  const nodes = new Map(lines.map((node) => [node.id, node]));
  for (const { node, bytes } of acknowledged) {
    t.same(nodes.get(node.id), node, node.name);
    const content = await api.content(node.version ?? '');
    if (!content.equals(bytes)) t.fail(`${node.name}: other bytes`);
  }
  const extra = lines.length - 1 - acknowledged.length;
  t.ok(extra >= 0 && extra <= open, `${extra} of ${open} unanswered ones were done, too`);
  const expected = acknowledged.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const { used } = (await api.call('GET', '/v1/usage')).body;
  if (extra === 0) t.equal(used, expected, 'the account is charged for what it stores');
}
