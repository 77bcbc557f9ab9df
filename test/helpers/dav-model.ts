/** A minimal model of a tree behind WebDAV: path → content, or `undefined` for a folder. Methods return statuses. */
export class DavModel {
  readonly #nodes = new Map<string, string | undefined>([['', undefined]]);

  put(path: string, content: string): number {
    if (!this.#hasParent(path)) return 409;
    if (this.#isFolder(path)) return 405;
    const status = this.#nodes.has(path) ? 204 : 201;
    this.#nodes.set(path, content);
    return status;
  }

  mkcol(path: string): number {
    if (this.#nodes.has(path)) return 405;
    if (!this.#hasParent(path)) return 409;
    this.#nodes.set(path, undefined);
    return 201;
  }

  remove(path: string): number {
    if (!this.#nodes.has(path)) return 404;
    this.#drop(path);
    return 204;
  }

  move(from: string, to: string, overwrite: boolean): number {
    const status = this.#checkPair(from, to, overwrite);
    if (status >= 300) return status;
    const tree = this.#tree(from);
    this.#drop(from);
    this.#put(tree, to);
    return status;
  }

  copy(from: string, to: string, overwrite: boolean, deep: boolean): number {
    const status = this.#checkPair(from, to, overwrite);
    if (status >= 300) return status;
    const tree = this.#tree(from);
    this.#put(deep ? tree : tree.slice(0, 1), to);
    return status;
  }

  /** Paths below `top` with the content of files; folders end with '/'. */
  dump(top: string): Record<string, string> {
    const rows = [...this.#nodes].filter(([path]) => path !== '');
    return Object.fromEntries(
      rows.map(([path, data]) => [`${top}/${path}${data === undefined ? '/' : ''}`, data ?? '']),
    );
  }

  #checkPair(from: string, to: string, overwrite: boolean): number {
    if (from === to || from.startsWith(`${to}/`) || to.startsWith(`${from}/`)) return 403;
    if (!this.#nodes.has(from)) return 404;
    if (!this.#hasParent(to)) return 409;
    if (!this.#nodes.has(to)) return 201;
    return overwrite ? 204 : 412;
  }

  #put(tree: readonly (readonly [string, string | undefined])[], to: string): void {
    this.#drop(to);
    for (const [below, content] of tree) this.#nodes.set(to + below, content);
  }

  /** The node and everything below it, by paths relative to the node; the node first. */
  #tree(path: string): [string, string | undefined][] {
    const below = [...this.#nodes].filter(([each]) => each.startsWith(`${path}/`));
    const own = [[path, this.#nodes.get(path)] as const, ...below];
    return own.map(([each, content]): [string, string | undefined] => [each.slice(path.length), content]);
  }

  #drop(path: string): void {
    for (const [below] of this.#tree(path)) this.#nodes.delete(path + below);
  }

  #isFolder(path: string): boolean {
    return this.#nodes.has(path) && this.#nodes.get(path) === undefined;
  }

  #hasParent(path: string): boolean {
    return this.#isFolder(path.split('/').slice(0, -1).join('/'));
  }
}
