import { ApiError } from './api.ts';
import { texts } from './texts.ts';

/** What to say about a failure. */
export function problemText(error: unknown): string {
  const { errors } = texts;
  if (!(error instanceof ApiError)) return errors.other(error instanceof Error ? error.message : String(error));
  const { code } = error;
  return code in errors && code !== ('other' as string)
    ? errors[code as Exclude<keyof typeof errors, 'other'>]
    : errors.other(error.message);
}
