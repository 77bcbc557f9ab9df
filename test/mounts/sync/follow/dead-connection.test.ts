import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { HttpRemote } from '../../../../src/cloud/http/http-remote.ts';
import { background as context } from '../../../../src/vfs/context.ts';
import { startTestCloud } from '../../../helpers/cloud.ts';
import { openDevice } from '../../../helpers/devices.ts';
import { temporary } from '../../../helpers/temporary.ts';

t.setTimeout(120_000);

/** How often the service says that it is alive, and after what silence it counts as dead, ms; less than usual. */
const ALIVE = 100;
const SILENCE = 1000;

/** A router that can forget all connections, by which nothing arrives any more, and neither side learns of it. */
class Router {
  readonly url: string;
  /** Connections that were opened to the cloud. */
  opened = 0;
  /** Whether new ones are forgotten, too. */
  isBlack = false;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(t: Test, target: string): Promise<Router> {
    const server = createServer((client) => router.#connect(client, Number(new URL(target).port)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const router = new Router((server.address() as AddressInfo).port);
    t.teardown(() => {
      server.close();
      for (const socket of router.#sockets) socket.destroy();
    });
    return router;
  }

  #connect(client: Socket, port: number): void {
    this.opened++;
    this.#sockets.add(client.on('error', () => undefined));
    if (this.isBlack) return;
    const cloud = connect(port, '127.0.0.1');
    this.#sockets.add(cloud.on('error', () => undefined));
    client.pipe(cloud).pipe(client);
  }

  forget(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }
}

/** One computer behind the router, and one that is not. */
async function openRouted(t: Test) {
  const { url, login } = await startTestCloud(t, { pushAlive: ALIVE });
  const router = await Router.start(t, url);
  const open = async (name: string, options: { url: string; pushSilence?: number }) => {
    const timeouts = { headers: SILENCE };
    const remote = new HttpRemote({ token: await login(name), timeouts, retry: { tries: 1 }, ...options });
    t.teardown(() => remote.close());
    const { id } = await remote.device(context);
    return await openDevice(t, name, id, { dir: join(temporary(t), name), remote });
  };
  const [a, b] = [await open('a', { url: router.url, pushSilence: SILENCE }), await open('b', { url })];
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await holds())) await sleep(20);
  };
  await until(() => a.gateway.status().push === 'up');
  await b.sync();
  return { router, a, b, until };
}

t.test('dead connections that nothing has closed are noticed and replaced, and what was missed is shown', async (t) => {
  const { router, a, b, until } = await openRouted(t);
  await b.write('/Sync/before', 'x');
  await until(() => a.exists('/Sync/before'));
  router.forget();
  const { opened } = router;
  await b.write('/Sync/missed', 'x');
  await b.sync();
  t.equal(a.gateway.status().push, 'up', 'it cannot know yet');
  await until(() => a.exists('/Sync/missed'));
  t.ok(router.opened > opened, 'by new connections');
  await until(() => a.gateway.status().push === 'up');
  await until(() => a.gateway.status().offlineSince === undefined);
  await b.write('/Sync/after', 'x');
  await until(() => a.exists('/Sync/after'));

  // While no connection gets through, it says so, and tries again until one does.
  router.isBlack = true;
  router.forget();
  await until(() => a.gateway.status().push === 'down');
  await b.write('/Sync/meanwhile', 'x');
  await b.sync();
  await until(() => a.gateway.status().offlineSince !== undefined);
  router.isBlack = false;
  await until(() => a.exists('/Sync/meanwhile'));
  await until(() => a.gateway.status().push === 'up');
  t.equal(a.gateway.status().offlineSince, undefined);
});
