import { hostname } from 'node:os';
import { login, needsCode } from '../cloud/http/login.ts';
import { background } from '../vfs/context.ts';
import { isFsError } from '../vfs/fs-error.ts';
import type { DeviceFile } from './secrets.ts';

export interface LoginOptions {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  /** Of an authenticator app, where the account needs one. */
  readonly code?: string | undefined;
  /** Asks a person for a code if the account turns out to need one. */
  readonly askCode?: () => Promise<string>;
  /** This computer's name in the account; its host name if empty. */
  readonly deviceName: string;
  /** The result of an earlier login. The computer stays the same device, so its backups remain its own. */
  readonly known?: DeviceFile | undefined;
  readonly signal?: AbortSignal;
}

/** Registers this computer as a device of the account. @throws EACCES, EAGAIN, EINVAL */
export async function logIn(options: LoginOptions): Promise<DeviceFile> {
  try {
    return await attempt(options);
  } catch (error) {
    if (options.code === undefined && options.askCode !== undefined && needsCode(error))
      return await logIn({ ...options, code: await options.askCode() });
    // The account may have been recreated, or the device removed from it, since the earlier login.
    if (options.known === undefined || !isFsError(error, 'ENOENT')) throw error;
    return await attempt({ ...options, known: undefined });
  }
}

async function attempt({ url, email, password, code, deviceName, known, signal }: LoginOptions): Promise<DeviceFile> {
  const name = deviceName === '' ? (known?.device.name ?? hostname()) : deviceName;
  const platform = `${process.platform}-${process.arch}`;
  const id = known?.url === url ? { id: known.device.id } : {};
  const credentials = { email, password, ...(code === undefined ? {} : { code }), device: { ...id, name, platform } };
  const { token, device, account } = await login({ url }, credentials, signal === undefined ? background : { signal });
  return { url, email: account.email, token, device: { id: device.id, name: device.name } };
}
