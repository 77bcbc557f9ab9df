import { readFileSync } from 'node:fs';

/** The version of this program, from its package. */
export const version = readVersion();

function readVersion(): string {
  // Both `src/daemon` and `dist/daemon` are two levels below the package's root.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
