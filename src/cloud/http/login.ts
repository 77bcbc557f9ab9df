import { Type, type Static } from 'typebox';
import type { Context } from '../../vfs/context.ts';
import { compile } from './compile.ts';
import { RefusedAnswer } from './errors.ts';
import { Http, type HttpOptions } from './http-client.ts';
import { DeviceSchema, Id } from './wire.ts';

const LoginSchema = Type.Object({
  /** The device's secret. The service stores only a hash of it. */
  token: Type.String({ minLength: 16 }),
  device: DeviceSchema,
  account: Type.Object({ id: Id, email: Type.String() }),
});
export type Login = Static<typeof LoginSchema>;

const shape = compile(LoginSchema);

export interface Credentials {
  readonly email: string;
  readonly password: string;
  /** Of an authenticator app, where the account needs one. */
  readonly code?: string;
  /** The device as the account's list will show it. With `id`, an existing device gets a new token. */
  readonly device: { readonly id?: string; readonly name: string; readonly platform: string };
}

/**
 * Registers this computer as a device of the account. If a response is lost, the retry may leave an unused device in
 * the list.
 * @throws EACCES for a wrong e-mail address, password or code; otherwise as `Remote`
 */
export async function login(
  options: HttpOptions,
  { email, password, code, device }: Credentials,
  context: Context,
): Promise<Login> {
  const http = new Http({ ...options, token: undefined });
  try {
    const json = { email, password, ...(code === undefined ? {} : { code }), device };
    return await http.json({ op: 'login', subject: email, method: 'POST', path: '/v1/login', json }, shape, context);
  } finally {
    await http.close();
  }
}

/** Whether `login` has failed because a code is missing or wrong. */
export function needsCode(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof RefusedAnswer && error.cause.error?.code === 'code_required';
}
