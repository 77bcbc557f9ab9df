/**
 * How V8 is to work in a process that serves. It gives most of its young generation back when nobody asks for anything, and
 * then what was asked for first survived into the old one: a listing of 10,000 took several times as long. So it has so
 * many MiB from the start; and it can be told when there is time to collect garbage. Whoever starts the program without
 * `start` gives the same: the first line of `fjord.cts`, and `scripts/mount.fuse.fjord`.
 */
export const V8_FLAGS: readonly string[] = ['--min-semi-space-size=16', '--expose-gc'];
