import { quote, sh, timed } from '../../lib/shell.ts';
import { tree, type Work } from '../turn.ts';

const GREP = 'grep -r over 10,000, warm';
/** Runs before the measurement, in which the kernel gets the content and V8 compiles what serves it. */
const WARM_UP = 3;
const TIMES = 5;

/** Reads all small files, whose content the kernel already has. */
export const grep: Work = {
  id: 'grep',
  rows: [{ figure: GREP, unit: 'ms' }],
  run: async (turn) => {
    // grep ends with 1 if it finds nothing.
    const line = `LC_ALL=C grep -r 'not to be found' ${quote(await tree(turn))} || [ $? = 1 ]`;
    for (let i = 0; i < WARM_UP; i++) await sh(line);
    for (let i = 0; i < TIMES; i++) turn.note(GREP, (await timed(line)) * 1000);
  },
};
