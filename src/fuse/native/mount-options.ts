export interface MountOptionsArgs {
  /** What `df` shows as the device. */
  readonly name: string;
  readonly allowOther: boolean;
  readonly platform: NodeJS.Platform;
}

/** Bytes that the kernel hands over in one write; libfuse 2 takes no more. */
const MAX_WRITE = 131_072;

/**
 * The command line of libfuse. It has names and attributes asked for anew each time, because nobody tells the kernel of
 * a change that another door or another device has made.
 */
export function mountOptions({ name, allowOther, platform }: MountOptionsArgs): string {
  const source = name.replaceAll(/[,\\]/g, '_');
  const nothingKept = ['entry_timeout=0', 'attr_timeout=0', 'negative_timeout=0'];
  // Without it a write is 4 KiB. macFUSE has large ones in any case, and refuses the word.
  const large = platform === 'linux' ? ['big_writes', `max_write=${MAX_WRITE}`] : [];
  const shown = platform === 'darwin' ? [`volname=${source}`] : ['subtype=fjord'];
  const options = [`fsname=${source}`, ...shown, 'default_permissions', 'nosuid', 'nodev', ...nothingKept, ...large];
  return `-o${[...options, ...(allowOther ? ['allow_other'] : [])].join(',')}`;
}
