/**
 * How V8 is configured in processes that serve.
 *
 * - The young generation has a fixed minimum size in MiB. Otherwise V8 shrinks it while the process is idle, and
 * objects of the next request are promoted to the old generation: a listing of 10,000 entries took several times as
 * long.
 * - The old generation is collected when it has grown by half, and not only at a multiple of its size.
 * - The program can start a collection when it is idle.
 *
 * What can only be set in the running program is in `prepare-v8.ts`.
 *
 * What starts the program without `start` passes the same flags: the first line of `fjord.cts`, and
 * `scripts/mount.fuse.fjord`.
 */
export const V8_FLAGS: readonly string[] = ['--min-semi-space-size=16', '--heap-growing-percent=50', '--expose-gc'];
