import { forget, quote, timed } from '../../lib/shell.ts';
import { tree, type Turn, type Work } from '../turn.ts';

const COMMANDS = { 'ls -lR': 'ls -lR', 'find -size': 'find -size +8k', du: 'du -s' };
/** Number of warm listings. */
const TIMES = 5;

/** Lists the tree of small files; `find -size` so that every file is stat-ed. */
export const list: Work = {
  id: 'list',
  rows: Object.keys(COMMANDS).flatMap((name) => [
    { figure: `${name} of 10,000, cold`, unit: 'ms' as const },
    { figure: `${name} of 10,000, warm`, unit: 'ms' as const },
  ]),
  run: async (turn) => {
    const path = await tree(turn);
    for (const [name, command] of Object.entries(COMMANDS)) await measure(turn, name, lineOf(command, path));
  },
};

async function measure({ mounted, note }: Turn, name: string, line: string): Promise<void> {
  await mounted.restart(false);
  await forget();
  note(`${name} of 10,000, cold`, (await timed(line)) * 1000);
  for (let i = 0; i < TIMES; i++) note(`${name} of 10,000, warm`, (await timed(line)) * 1000);
}

function lineOf(command: string, path: string): string {
  const [program = '', ...args] = command.split(' ');
  if (program === 'find') return `find ${quote(path)} ${args.join(' ')}`;
  return `${command} ${quote(path)}`;
}
