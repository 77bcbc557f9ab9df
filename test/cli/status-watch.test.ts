import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { program, startFjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';
import { RateMeter, remaining } from '../../src/daemon/control/rates.ts';

t.setTimeout(300_000);

t.test('rates are of the last ten seconds, and begin anew with another gateway', async (t) => {
  const meter = new RateMeter();
  const at = (up: number, ms: number) => meter.add({ pid: 1, transferred: { up, down: 0 } }, ms).up;
  t.equal(at(0, 0), 0);
  t.equal(at(1000, 1000), 1000);
  for (let second = 2; second <= 20; second++) at(1000, second * 1000);
  t.equal(at(1000, 21_000), 0);
  t.equal(at(10, 22_000), 0);
  const running = { doing: 'running', progress: { done: { files: 0, bytes: 10 }, total: { files: 1, bytes: 30 } } };
  t.equal(remaining({ queued: { files: 1, bytes: 5 }, backups: [{ state: running }] as never }), 25);
});

t.test('a watch shows rate, rest and file as lines or JSON, and Ctrl-C ends it', async (t) => {
  const fjord = await startFjord(t);
  const watch = (...args: string[]) => {
    const argv = [...program, 'status', '--watch', '--data', fjord.data, ...args];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
    return {
      end: async () => {
        child.kill('SIGINT');
        return ((await once(child, 'exit')) as [number])[0];
      },
      text: () => text,
    };
  };
  const [plain, asJson] = [watch(), watch('--json')];
  await fjord.cli('limit', '--up', '1M');
  const source = join(temporary(t), 'papers');
  mkdirSync(source);
  writeFileSync(join(source, 'big'), randomBytes(8 * 1024 ** 2));
  await fjord.cli('backup', 'add', source);
  await fjord.cli('backup', 'run', '--wait');
  await sleep(3000);
  t.equal(await plain.end(), 0);
  t.equal(await asJson.end(), 0);
  t.match(plain.text(), /^\S+ \S+  live, up .*\/s, down .*\/s, .* MiB to go, .* left, papers: big; papers: running/m);
  t.notOk(plain.text().includes('\u001B'), 'nothing steers a terminal');
  const objects = asJson
    .text()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { rate: { up: number } });
  t.ok(objects.length > 3);
  const most = Math.max(...objects.map(({ rate }) => rate.up));
  t.ok(most > 0.2 * 1024 ** 2 && most < 1.5 * 1024 ** 2, `${most} bytes per second`);
});
