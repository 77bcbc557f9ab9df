import { executionAsyncResource } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';

/** Enough calls for V8 to have recorded what a function's objects look like. */
const CALLS = 100;
const KEPT = Symbol('fjord.tick');

/**
 * Makes `process.nextTick`, which runs several times for each request, stay fast, and then has functions compiled at
 * their first call. To be called once, before the program is loaded.
 *
 * - V8 drops the hidden class of a tick when three collections in a row have found no tick alive. The literal in
 * `nextTick` has computed names, so V8 then gives up on it for the rest of the process: a tick takes five times as
 * long. One tick that is kept prevents that.
 * - `--always-sparkplug` on the command line has the same effect from the first tick on. Functions that are compiled
 * later do not have it (docs/decisions/027).
 */
export async function prepareV8(): Promise<void> {
  for (let i = 0; i < CALLS; i++) await nextTick();
  Reflect.set(process, KEPT, await nextTick());
  // Functions need not be found hot first: the first thousand files that are unpacked took a fifth longer (065).
  setFlagsFromString('--always-sparkplug');
}

/** Resolves to the object by which Node remembered the call. */
async function nextTick(): Promise<object> {
  return await new Promise((resolve) => process.nextTick(() => resolve(executionAsyncResource())));
}
