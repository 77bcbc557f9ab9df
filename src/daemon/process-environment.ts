/**
 * Settings of system libraries for the processes that `start` runs, unless the environment already sets them. The first
 * line of `cli/fjord.cts` and `scripts/mount.fuse.fjord` set the same for glibc, and override the environment.
 *
 * - `UV_THREADPOOL_SIZE`: size of libuv's thread pool; a mount occupies one of the threads.
 * - `GLIBC_TUNABLES`: glibc's heap uses huge pages where the kernel has them (`madvise`). Blocks are allocated and
 *   freed all the time; where page faults are expensive, as in a virtual machine, they took a quarter of the time of a
 *   download (docs/decisions/045).
 */
export const PROCESS_ENVIRONMENT: Readonly<Record<string, string>> = {
  UV_THREADPOOL_SIZE: '16',
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
};
