import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startSourceThread } from '../../src/backup/start-source-thread.ts';
import { temporary } from '../helpers/temporary.ts';

/** The nice value of each thread of this process, by its id; see proc(5). */
function nices(): Map<string, number> {
  const tasks = `/proc/${process.pid}/task`;
  return new Map(
    readdirSync(tasks).map((id) => {
      const stat = readFileSync(`${tasks}/${id}/stat`, 'utf8');
      return [id, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])];
    }),
  );
}

const skip = process.platform === 'linux' ? false : 'only Linux has priorities of threads';

t.test('a thread that reads a source gives way for CPU and disk, and no other thread does', { skip }, async (t) => {
  const folder = join(temporary(t), 'source');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a'), 'a');
  const before = nices();
  for (const [priority, expected] of [
    ['low', 1],
    ['normal', 0],
  ] as const) {
    const thread = startSourceThread(folder, priority);
    await thread.request({ ask: 'look', path: '' });
    const after = nices();
    const low = [...after].filter(([id, nice]) => nice === 10 && !before.has(id)).map(([id]) => id);
    t.equal(low.length, expected, priority);
    for (const [id, nice] of before) if (after.has(id)) t.equal(after.get(id), nice, 'the others keep theirs');
    for (const id of low) t.match(execFileSync('ionice', ['-p', id], { encoding: 'utf8' }), /best-effort: prio 7/);
    await thread.terminate();
  }
});
