export interface MountOptionsArgs {
  /** The source of the mount, which `df` shows as the device. */
  readonly name: string;
  readonly allowOther: boolean;
  readonly platform: NodeJS.Platform;
}

/** Most bytes of a write request; libfuse 2 supports no more. */
const MAX_WRITE = 131_072;

/**
 * The command line of libfuse. It turns the kernel's caches of names and attributes off, because libfuse 2 cannot
 * notify the kernel of changes made by another door or device.
 */
export function mountOptions({ name, allowOther, platform }: MountOptionsArgs): string {
  const source = name.replaceAll(/[,\\]/g, '_');
  const nothingKept = ['entry_timeout=0', 'attr_timeout=0', 'negative_timeout=0'];
  // Without big_writes, writes are 4 KiB. macFUSE always has large ones, and refuses the option.
  const large = platform === 'linux' ? ['big_writes', `max_write=${MAX_WRITE}`] : [];
  const shown = platform === 'darwin' ? [`volname=${source}`] : ['subtype=fjord'];
  const options = [`fsname=${source}`, ...shown, 'default_permissions', 'nosuid', 'nodev', ...nothingKept, ...large];
  return `-o${[...options, ...(allowOther ? ['allow_other'] : [])].join(',')}`;
}
