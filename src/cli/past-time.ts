import { Problem } from '../daemon/problem.ts';
import { parseDuration } from '../daemon/setting.ts';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * A time in the past as a person says it, in ms since 1970: `2026-11-22` (its beginning), `2026-11-22 21:15`, both local; ISO 8601
 * with a zone; or how long ago, such as `3d`. @throws Problem
 */
export function parsePastTime(text: string, now: number): number {
  const time = timeOf(text, now);
  if (time === undefined || Number.isNaN(time)) {
    throw new Problem('usage', `"${text}" is no time such as 2026-11-22, "2026-11-22 21:15" or 3d (ago)`);
  }
  if (time > now) throw new Problem('usage', `"${text}" is in the future`);
  return time;
}

function timeOf(text: string, now: number): number | undefined {
  if (DATE.test(text)) return Date.parse(`${text}T00:00`);
  if (DATE_TIME.test(text)) return Date.parse(text.replace(' ', 'T'));
  const ago = parseDuration(text);
  return ago === undefined ? undefined : now - ago;
}
