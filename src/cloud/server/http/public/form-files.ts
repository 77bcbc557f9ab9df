import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy } from '@fastify/busboy';
import { Refusal } from '../../refusal.ts';

/** Files of one form. */
const MOST = 1000;

/**
 * Reads a form (`multipart/form-data`) and passes on its files one after the other, each as it arrives.
 * @throws bad_request, what `take` throws
 */
export async function filesOfForm(
  body: Readable,
  type: string,
  take: (name: string, bytes: Readable) => Promise<void>,
): Promise<void> {
  if (!/^multipart\/form-data\b/i.test(type)) throw new Refusal('bad_request', 'the body must be multipart/form-data');
  const limits = { files: MOST, fields: 10, fieldSize: 1000, headerPairs: 20 };
  const form = new Busboy({ headers: { 'content-type': type }, limits });
  let work: Promise<unknown> = Promise.resolve();
  let failure: Error | undefined;
  form.on('file', (_field, bytes, name) => {
    work = work.then(async () => {
      // A form without a chosen file sends one without a name.
      if (failure === undefined && name !== undefined && name !== '') await take(name, bytes);
      else bytes.resume();
    });
    work.catch((error: Error) => {
      failure ??= error;
      bytes.resume();
      form.destroy();
    });
  });
  form.on('filesLimit', () => form.destroy(new Refusal('bad_request', `a form of at most ${MOST} files`)));
  try {
    await pipeline(body, form);
    await work;
  } catch (error) {
    throw failure ?? (error instanceof Refusal ? error : new Refusal('bad_request', 'the form is not complete'));
  }
}
