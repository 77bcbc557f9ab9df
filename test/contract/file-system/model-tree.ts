import type { Code } from '../../../src/vfs/fs-error.ts';

/** A minimal model of a tree: a path of names joined by slashes → content, or `undefined` for a folder. */
export class ModelTree {
  readonly #nodes = new Map<string, string | undefined>([['', undefined]]);

  write(path: string, data: string): Code | undefined {
    const refused = this.#parent(path);
    if (refused) return refused;
    if (this.#isFolder(path)) return 'EISDIR';
    this.#nodes.set(path, data);
    return undefined;
  }

  resize(path: string, size: number): Code | undefined {
    const refused = this.#find(path);
    if (refused) return refused;
    const old = this.#nodes.get(path);
    if (old === undefined) return 'EISDIR';
    this.#nodes.set(path, old.slice(0, size).padEnd(size, '\0'));
    return undefined;
  }

  append(path: string, data: string): Code | undefined {
    const refused = this.#find(path);
    if (refused) return refused;
    const old = this.#nodes.get(path);
    if (old === undefined) return 'EISDIR';
    this.#nodes.set(path, old + data);
    return undefined;
  }

  mkdir(path: string): Code | undefined {
    const refused = this.#parent(path);
    if (refused) return refused;
    if (this.#nodes.has(path)) return 'EEXIST';
    this.#nodes.set(path, undefined);
    return undefined;
  }

  unlink(path: string): Code | undefined {
    const refused = this.#find(path);
    if (refused) return refused;
    if (this.#isFolder(path)) return 'EISDIR';
    this.#nodes.delete(path);
    return undefined;
  }

  rmdir(path: string): Code | undefined {
    const refused = this.#find(path);
    if (refused) return refused;
    if (!this.#isFolder(path)) return 'ENOTDIR';
    if (this.#below(path).length > 0) return 'ENOTEMPTY';
    this.#nodes.delete(path);
    return undefined;
  }

  removeTree(path: string): Code | undefined {
    const refused = this.#find(path);
    if (refused) return refused;
    for (const each of [path, ...this.#below(path)]) this.#nodes.delete(each);
    return undefined;
  }

  rename(from: string, to: string): Code | undefined {
    const refused = this.#parent(from) ?? this.#parent(to) ?? this.#find(from);
    if (refused) return refused;
    if (from === to) return undefined;
    const folder = this.#isFolder(from);
    if (folder && to.startsWith(`${from}/`)) return 'EINVAL';
    if (from.startsWith(`${to}/`)) return 'ENOTEMPTY';
    if (this.#nodes.has(to)) {
      if (folder !== this.#isFolder(to)) return folder ? 'ENOTDIR' : 'EISDIR';
      if (this.#below(to).length > 0) return 'ENOTEMPTY';
    }
    for (const each of [from, ...this.#below(from)]) {
      const content = this.#nodes.get(each);
      this.#nodes.delete(each);
      this.#nodes.set(to + each.slice(from.length), content);
    }
    return undefined;
  }

  /** The paths of files. */
  copy(from: string, to: string, replace: boolean): Code | undefined {
    const refused = this.#find(from) ?? this.#parent(to);
    if (refused) return refused;
    const content = this.#nodes.get(from);
    if (content === undefined) return 'EISDIR';
    if (from === to) return undefined;
    if (this.#nodes.has(to) && !replace) return 'EEXIST';
    if (this.#isFolder(to)) return 'EISDIR';
    this.#nodes.set(to, content);
    return undefined;
  }

  /** Path → content, in an order that depends only on the tree. */
  dump(): Record<string, string | null> {
    const entries = [...this.#nodes]
      .filter(([path]) => path !== '')
      .map(([path, data]) => [path, data ?? null] as const);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #isFolder(path: string): boolean {
    return this.#nodes.has(path) && this.#nodes.get(path) === undefined;
  }

  #below(path: string): string[] {
    return [...this.#nodes.keys()].filter((each) => each.startsWith(`${path}/`));
  }

  /** The error of resolving the parent folder of a path. */
  #parent(path: string): Code | undefined {
    const names = path.split('/').slice(0, -1);
    for (let i = 1; i <= names.length; i++) {
      const at = names.slice(0, i).join('/');
      if (!this.#nodes.has(at)) return 'ENOENT';
      if (!this.#isFolder(at)) return 'ENOTDIR';
    }
    return undefined;
  }

  #find(path: string): Code | undefined {
    return this.#parent(path) ?? (this.#nodes.has(path) ? undefined : 'ENOENT');
  }
}
