import { execFile } from 'node:child_process';
import t from 'tap';
import { background } from '../../src/vfs/context.ts';
import { DavServer } from '../helpers/dav-server.ts';

/** The suites of litmus 0.13 (Debian) and their numbers of tests: 104 in all. */
const SUITES = { basic: 16, copymove: 13, props: 30, locks: 41, http: 4 } as const;

interface Result {
  readonly output: string;
  readonly passed: number;
  readonly failed: number;
}

/** litmus writes `debug.log` into its working directory. */
function run(suite: string, url: string, cwd: string): Promise<Result> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, TESTS: suite };
    execFile('litmus', ['-k', url, 'user', 'secret'], { cwd, env, timeout: 120_000 }, (error, output) => {
      const summary = /of (\d+) tests run: (\d+) passed, (\d+) failed/.exec(output);
      if (summary === null) reject(error ?? new Error(`no summary in ${output}`));
      else resolve({ output, passed: Number(summary[2]), failed: Number(summary[3]) });
    });
  });
}

for (const [suite, count] of Object.entries(SUITES)) {
  t.test(`litmus ${suite}: ${count} of ${count}, without a warning`, async (t) => {
    const dav = await DavServer.start(t, { auth: { user: 'user', password: 'secret' } });
    await dav.fs.mkdir(dav.fs.root, 'Sync', {}, background);
    const { output, passed, failed } = await run(suite, `${dav.server.url}Sync/`, t.testdir());
    t.strictSame({ passed, failed }, { passed: count, failed: 0 }, output);
    t.notMatch(output, /WARNING|SKIPPED|FAIL/);
  });
}
