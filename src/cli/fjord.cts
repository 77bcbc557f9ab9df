#!/usr/bin/env -S GLIBC_TUNABLES=glibc.malloc.hugetlb=1 node --min-semi-space-size=16 --heap-growing-percent=50 --expose-gc
// libuv creates its thread pool when the first ES module is loaded, too early for a module to set its size, so this
// file is CommonJS. A mount occupies one of the threads.
process.env['UV_THREADPOOL_SIZE'] ??= '16';
void run(process.argv[2] ?? '');

async function run(command: string): Promise<void> {
  // Other commands end before it would pay.
  if (['start', 'up', 'cloud'].includes(command)) {
    const { prepareV8 } = await import('./prepare-v8.ts');
    await prepareV8();
  }
  await import('./main.ts');
}
