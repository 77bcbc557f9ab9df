import { randomUUID } from 'node:crypto';

/**
 * A UUIDv7 (RFC 9562, 5.7): sorts by creation time, to the millisecond. Takes its random bits from `randomUUID`, which
 * buffers them, because the drive creates three ids for every small file.
 */
export function newId(now: number): string {
  const time = Math.max(0, Math.floor(now)).toString(16).padStart(12, '0').slice(-12);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
