/**
 * How the system's libraries are to work in a process that `start` starts, unless its own environment says otherwise. The first line of
 * `cli/fjord.cts` and `scripts/mount.fuse.fjord` set the same for glibc, whatever was set before.
 *
 * - `UV_THREADPOOL_SIZE`: threads for work of the system; a mount keeps one for itself.
 * - `GLIBC_TUNABLES`: memory of glibc's heap comes in huge pages where the kernel has some (`madvise`). Blocks come and go, and
 *   where a page fault is dear, as in a virtual machine, faults were a quarter of what a download costs (docs/decisions/045).
 */
export const PROCESS_ENVIRONMENT: Readonly<Record<string, string>> = {
  UV_THREADPOOL_SIZE: '16',
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
};
