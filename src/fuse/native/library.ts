import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type Fuse from 'fuse-native';
import { FsError } from '../../vfs/fs-error.ts';

/** The package `fuse-native`, loaded. */
export interface Library {
  readonly Fuse: typeof Fuse;
  /** Lets the process end. To be called when the mount has ended. */
  release(fuse: Fuse): void;
}

interface Binding {
  fuse_native_unmount(mnt: string, thread: Buffer): void;
}

/** Loads the package. @throws FsError ENOTSUP with a reason that says what to install */
export async function loadLibrary(subject: string): Promise<Library> {
  try {
    const { default: Fuse } = await import('fuse-native');
    const binding = bindingOf();
    return {
      Fuse,
      release: ({ mnt, _thread }) => {
        if (_thread !== null) binding.fuse_native_unmount(mnt, _thread);
      },
    };
  } catch (error) {
    throw new FsError('ENOTSUP', 'mount', { subject, reason: reasonOf(error, process.platform), cause: error });
  }
}

/** Why the library could not be loaded, and what to do. */
export function reasonOf(error: unknown, platform: NodeJS.Platform): string {
  const message = error instanceof Error ? error.message : String(error);
  if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') {
    return 'the package fuse-native is not installed (npm install fuse-native)';
  }
  if (/libfuse\.so/.test(message)) return 'libfuse 2 is not installed (Debian: apt install libfuse2)';
  if (/osxfuse|macfuse|dylib/i.test(message)) return 'macFUSE is not installed (https://macfuse.github.io)';
  if (/No native build/i.test(message)) return `fuse-native has no binary for ${platform} on ${process.arch}`;
  return `fuse-native cannot be loaded (${message}); use WebDAV, or the kernel driver on Linux`;
}

/** Loads the compiled part in the same way as the package itself. */
function bindingOf(): Binding {
  const own = createRequire(import.meta.url);
  const entry = own.resolve('fuse-native');
  const load = createRequire(entry)('node-gyp-build') as (folder: string) => Binding;
  return load(dirname(entry));
}
