import { randomUUID } from 'node:crypto';

/**
 * A UUIDv7 (RFC 9562, 5.7): sorts by creation time, to the millisecond. Takes its random bits from `randomUUID`, which
 * buffers them, because the drive creates three ids for every small file.
 */
export function newId(now: number): string {
  const time = Math.max(0, Math.floor(now)).toString(16).padStart(12, '0').slice(-12);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** When the id was made, ms since 1970 by the clock of its maker; `undefined` of an id that is no UUIDv7. */
export function timeOfId(id: string): number | undefined {
  const time = /^([0-9a-f]{8})-([0-9a-f]{4})-7/.exec(id);
  return time === null ? undefined : Number.parseInt(`${time[1] ?? ''}${time[2] ?? ''}`, 16);
}
