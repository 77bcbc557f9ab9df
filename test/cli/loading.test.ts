import t from 'tap';
import { program } from '../helpers/gateway-process.ts';
import { tryCommand } from '../helpers/run-command.ts';

t.test('a command does not load what only validates files', async (t) => {
  const env = { ...process.env, NODE_DEBUG: 'esm' };
  const { code, errors } = await tryCommand(process.execPath, [...program, '--version'], { env });
  t.equal(code, 0);
  t.match(errors, /node_modules\/commander\//);
  t.notMatch(errors, /node_modules\/typebox\//);
});
