import { E2BIG, ENOTTY, Errno } from '../errno.ts';
import { MAJOR, MINOR_MIN, negotiate, putInitOut } from '../negotiation.ts';
import { BODY, nothing, operation } from '../operation.ts';
import { Init, Init2 } from '../wire/flags.ts';
import * as wire from '../wire/structs.ts';

/**
 * Negotiates the protocol. For a newer major version, ours is returned, and the kernel sends INIT again. An older one
 * is refused.
 */
export const init = operation({
  name: 'init',
  decode(request) {
    const offer = request.struct(wire.InitIn);
    const more = (offer.flags & Init.INIT_EXT) !== 0 && request.has(wire.InitInExt.size);
    return { ...offer, flags2: more ? request.struct(wire.InitInExt).flags2 : 0 };
  },
  run(state, _request, offer) {
    if (offer.major > MAJOR) return { major: MAJOR, minor: 0, maxReadahead: 0, flags: 0, flags2: 0 };
    if (offer.major < MAJOR || offer.minor < MINOR_MIN) throw new Errno(E2BIG);
    state.negotiated = negotiate(offer, { xattr: state.xattr, passthrough: state.passthrough.wanted });
    state.passthrough.enabled = (state.negotiated.flags2 & Init2.PASSTHROUGH) !== 0;
    state.coherence.expires = (state.negotiated.flags2 & Init2.HAS_EXPIRE_ONLY) !== 0;
    return state.negotiated;
  },
  encode: (_state, negotiated, out) => putInitOut(negotiated, out, BODY),
});

export const forget = operation({
  name: 'forget',
  silent: true,
  decode: (request) => request.struct(wire.ForgetIn),
  run: (state, request, { nlookup }) => state.inodes.forget(request.nodeid, nlookup),
  encode: nothing,
});

export const batchForget = operation({
  name: 'batch_forget',
  silent: true,
  decode: (request) => {
    const { count } = request.struct(wire.BatchForgetIn);
    return Array.from({ length: request.has(count * wire.ForgetOne.size) ? count : 0 }, () =>
      request.struct(wire.ForgetOne),
    );
  },
  run(state, _request, all) {
    for (const { nodeid, nlookup } of all) state.inodes.forget(nodeid, nlookup);
  },
  encode: nothing,
});

export const interrupt = operation({
  name: 'interrupt',
  silent: true,
  decode: (request) => request.struct(wire.InterruptIn),
  run: (state, _request, { unique }) => state.interrupt(unique),
  encode: nothing,
});

export const ioctl = operation({
  name: 'ioctl',
  decode: () => undefined,
  run: (): undefined => {
    throw new Errno(ENOTTY);
  },
  encode: nothing,
});
