export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The owner of all nodes in the mount: the given ids, or those of this process. */
export function owner({ uid, gid }: Partial<Owner>): Owner {
  return { uid: uid ?? process.getuid?.() ?? 0, gid: gid ?? process.getgid?.() ?? 0 };
}
