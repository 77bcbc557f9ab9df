import { createHash } from 'node:crypto';
import { serve } from '../../threads/serve.mjs';

serve(
  (/** @type {Uint8Array<ArrayBuffer>} */ data) => ({ digest: createHash('sha256').update(data).digest('hex'), data }),
  ({ data }) => [data.buffer],
);
