import t from 'tap';
import { startFjord } from '../helpers/gateway-process.ts';
import { command } from './command.ts';

t.setTimeout(500_000);

const SUITES = { basic: 16, copymove: 13, props: 30, locks: 41, http: 4 };

t.test('litmus passes completely on /Sync, against the whole program', async (t) => {
  const { webdav } = await startFjord(t);
  for (const [suite, tests] of Object.entries(SUITES)) {
    const { stdout, stderr } = await command('litmus', ['-k', `${webdav.url}Sync/`, webdav.user, webdav.password], {
      cwd: t.testdir(),
      timeout: 120_000,
      env: { ...process.env, TESTS: suite },
    });
    t.match(stdout, new RegExp(`of ${tests} tests run: ${tests} passed, 0 failed`), `${suite}: ${stdout}${stderr}`);
    t.notMatch(stdout, /WARNING/, `${suite} has nothing to warn of`);
  }
});
