import koffi, { type KoffiFunc } from 'koffi';
import { cString } from './c-string.ts';

type Find = KoffiFunc<(name: Buffer) => unknown>;

/** Numbers of users and groups by their names, as the system's databases have them; each name is looked up once. */
export class UserIds {
  readonly #found = new Map<string, number | undefined>();
  readonly #lookups: Readonly<Record<'user' | 'group', Find>> | undefined;

  constructor() {
    if (process.platform !== 'linux') return;
    const libc = koffi.load('libc.so.6');
    this.#lookups = {
      user: libc.func('getpwnam', 'void *', ['void *']) as Find,
      group: libc.func('getgrnam', 'void *', ['void *']) as Find,
    };
  }

  idOf(kind: 'user' | 'group', name: string): number | undefined {
    const key = `${kind} ${name}`;
    if (!this.#found.has(key)) this.#found.set(key, this.#lookUp(kind, name));
    return this.#found.get(key);
  }

  #lookUp(kind: 'user' | 'group', name: string): number | undefined {
    const record = this.#lookups?.[kind](cString(name));
    if (record === undefined || record === null) return undefined;
    // `struct passwd` and `struct group` begin alike: two pointers, then the number.
    return koffi.decode(record, 16, 'uint32') as number;
  }
}
