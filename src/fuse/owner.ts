export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** To whom everything in the mount belongs: to who is named, else to who runs this process. */
export function owner({ uid, gid }: Partial<Owner>): Owner {
  return { uid: uid ?? process.getuid?.() ?? 0, gid: gid ?? process.getgid?.() ?? 0 };
}
