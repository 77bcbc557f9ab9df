import { hostname } from 'node:os';
import { login } from '../cloud/login.ts';
import { background } from '../vfs/context.ts';
import type { DeviceFile } from './secrets.ts';

export interface LoginOptions {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  /** What the account will call this computer; its host name if empty. */
  readonly deviceName: string;
  readonly signal?: AbortSignal;
}

/** Makes this computer a device of the account. @throws EACCES, EAGAIN, EINVAL */
export async function logIn({ url, email, password, deviceName, signal }: LoginOptions): Promise<DeviceFile> {
  const name = deviceName === '' ? hostname() : deviceName;
  const credentials = { email, password, device: { name, platform: `${process.platform}-${process.arch}` } };
  const { token, device, account } = await login({ url }, credentials, signal === undefined ? background : { signal });
  return { url, email: account.email, token, device: { id: device.id, name: device.name } };
}
