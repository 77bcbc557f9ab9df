import { serve } from '../../src/threads/serve.mjs';

serve(
  (
    /** @type {{ what: 'double' | 'fail' | 'die' | 'take', value: number, data?: Uint8Array<ArrayBuffer> }} */ request,
  ) => {
    if (request.what === 'fail') throw Object.assign(new Error('no such thing'), { code: 'ENOENT' });
    if (request.what === 'die') process.exit(request.value);
    if (request.what === 'take') return { value: request.data?.length ?? 0, data: request.data };
    return { value: request.value * 2, data: undefined };
  },
  ({ data }) => (data === undefined ? [] : [data.buffer]),
);
