import { ALLOW } from '../method.ts';
import type { Outcome } from '../outcome.ts';
import { empty } from '../outcome.ts';

/** Succeeds for every path, existing or not, with or without a password, as clients use it to detect the server. */
export function options(): Outcome {
  return empty(200, [
    'DAV',
    '1, 2, 3, extended-mkcol',
    'Allow',
    ALLOW,
    'MS-Author-Via',
    'DAV',
    'Accept-Ranges',
    'bytes',
  ]);
}
