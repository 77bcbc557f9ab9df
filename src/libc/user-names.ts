import koffi, { type KoffiFunc } from 'koffi';

/** getpwuid_r(3) and getgrgid_r(3): both fill a structure that begins with the name. */
type Find = KoffiFunc<(id: number, entry: Buffer, text: Buffer, size: number, result: unknown[]) => number>;

/** More than `struct passwd` and `struct group` have on any system. */
const ENTRY = 128;
/** Bytes of all texts of one entry; groups with very many members have more, and then have no name here. */
const TEXT = 64 * 1024;

/** The names of users and groups as this computer knows them, each looked up once. May wait for a directory service. */
export class UserNames {
  readonly #users: Lookup;
  readonly #groups: Lookup;

  constructor(platform: NodeJS.Platform = process.platform) {
    this.#users = new Lookup(platform === 'linux' ? load('getpwuid_r') : undefined);
    this.#groups = new Lookup(platform === 'linux' ? load('getgrgid_r') : undefined);
  }

  /** The name of a user; undefined if the id has none. */
  user(uid: number): string | undefined {
    return this.#users.name(uid);
  }

  group(gid: number): string | undefined {
    return this.#groups.name(gid);
  }
}

class Lookup {
  readonly #find: Find | undefined;
  /** What the call points into; it has to live as long as the pointers in it are used. */
  readonly #entry = Buffer.alloc(ENTRY);
  readonly #text = Buffer.alloc(TEXT);
  readonly #names = new Map<number, string | undefined>();

  constructor(find: Find | undefined) {
    this.#find = find;
  }

  name(id: number): string | undefined {
    if (this.#names.has(id)) return this.#names.get(id);
    const result: unknown[] = [null];
    const failed = this.#find?.(id, this.#entry, this.#text, TEXT, result) !== 0 || result[0] === null;
    const name = failed ? undefined : (koffi.decode(this.#entry, 'char *') as string);
    this.#names.set(id, name);
    return name;
  }
}

function load(call: string): Find | undefined {
  try {
    const types = ['uint32_t', 'uint8_t *', 'uint8_t *', 'size_t', '_Out_ void **'];
    return koffi.load('libc.so.6').func(call, 'int', types) as Find;
  } catch {
    return undefined;
  }
}
