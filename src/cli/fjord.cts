#!/usr/bin/env -S GLIBC_TUNABLES=glibc.malloc.hugetlb=1 node --min-semi-space-size=16 --heap-growing-percent=50 --expose-gc
// The system's pool of threads is made when the first module is loaded, which is before any module could say how large;
// so this file is none. A mount keeps one of the threads for itself.
process.env['UV_THREADPOOL_SIZE'] ??= '16';
void import('./main.ts');
