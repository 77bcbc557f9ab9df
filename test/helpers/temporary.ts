import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/**
 * A folder that is removed after the test with everything in it. If it is created before its users, it is removed after
 * them.
 */
export function temporary(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'fjord-test-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Whether this process may mount. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0;

/** A separate disk of this size in bytes. Needs `canMount`. */
export function smallDisk(t: Test, bytes: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'fjord-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'fjord-test', dir]);
  t.teardown(() => {
    execFileSync('umount', ['-l', dir]);
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}
