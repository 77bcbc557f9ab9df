/**
 * How V8 is to work in a process that serves.
 *
 * - It gives most of its young generation back when nobody asks for anything, and then what was asked for first survived
 *   into the old one: a listing of 10,000 took several times as long. So it has so many MiB from the start.
 * - The old generation is collected when it has grown by half of what was in use, and not when it is a multiple.
 * - It can be told when there is time to collect.
 *
 * Whoever starts the program without `start` gives the same: the first line of `fjord.cts`, and `scripts/mount.fuse.fjord`.
 */
export const V8_FLAGS: readonly string[] = ['--min-semi-space-size=16', '--heap-growing-percent=50', '--expose-gc'];
