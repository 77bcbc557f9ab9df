import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { openLog } from '../../src/daemon/log.ts';
import { temporary } from '../helpers/temporary.ts';

function numbers(path: string): number[] {
  const lines = (existsSync(path) ? readFileSync(path, 'utf8') : '').split('\n').filter(Boolean);
  return lines.map((line) => (JSON.parse(line) as { i: number }).i);
}

t.test('a growing log is rotated while the program runs, and no line is lost', async (t) => {
  const dir = temporary(t);
  const { log, ...logFile } = openLog(dir, 'test', 'info', 20_000);
  const path = join(dir, 'test.log');
  for (let i = 0; i < 300; i++) {
    log.info({ i }, 'a line');
    if (i % 10 === 9) await delay(2);
  }
  for (let i = 0; i < 500 && numbers(path).at(-1) !== 299; i++) {
    logFile.flush();
    await delay(10);
  }
  const [before, after] = [numbers(`${path}.old`), numbers(path)];
  t.equal(after.at(-1), 299);
  t.equal(before.at(-1), (after[0] ?? 0) - 1, 'the new log continues where the old one ends');
  t.ok(statSync(path).size < 25_000 && statSync(`${path}.old`).size < 25_000, 'neither is much larger than allowed');
  t.equal(statSync(path).mode & 0o777, 0o600);
});

t.test('a log that is already large is rotated with the first line', async (t) => {
  const dir = temporary(t);
  const first = openLog(dir, 'test', 'info', 1e6);
  await delay(20);
  for (let i = 0; i < 100; i++) first.log.info({ i }, 'a line');
  first.flush();
  const second = openLog(dir, 'test', 'info', 1000);
  await delay(20);
  second.log.info({ i: 100 }, 'a line');
  const old = join(dir, 'test.log.old');
  for (let i = 0; i < 500 && !existsSync(old); i++) await delay(10);
  t.equal(numbers(old).at(-1), 100);
  for (let i = 0; i < 500 && !existsSync(join(dir, 'test.log')); i++) await delay(10);
  t.strictSame(numbers(join(dir, 'test.log')), []);
});
