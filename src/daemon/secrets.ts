import { randomBytes } from 'node:crypto';
import { Type, type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { FsError } from '../vfs/fs-error.ts';
import { readIfThere, writePrivateFile } from './private-file.ts';

const DeviceFileSchema = Type.Object({
  /** Address of the cloud that the token is for. */
  url: Type.String({ minLength: 1 }),
  email: Type.String(),
  token: Type.String({ minLength: 1 }),
  device: Type.Object({ id: Type.String({ minLength: 1 }), name: Type.String({ minLength: 1 }) }),
});
/** The result of `fjord login`: this computer as a device of an account. */
export type DeviceFile = Static<typeof DeviceFileSchema>;

const WebDavFileSchema = Type.Object({ password: Type.String({ minLength: 8 }) });

const AccountFileSchema = Type.Object({
  email: Type.String({ minLength: 3 }),
  password: Type.String({ minLength: 8 }),
});
/** The first account of the embedded cloud. */
export type AccountFile = Static<typeof AccountFileSchema>;

const PortsFileSchema = Type.Object({
  webdav: Type.Optional(Type.Integer()),
  cloud: Type.Optional(Type.Integer()),
  /** Of the status page. */
  page: Type.Optional(Type.Integer()),
});
export type PortsFile = Static<typeof PortsFileSchema>;

/** Resolves to the content of the file. @throws EIO if it is damaged */
export function readDevice(path: string): Promise<DeviceFile | undefined> {
  return readJson(path, DeviceFileSchema);
}

export async function writeDevice(path: string, device: DeviceFile): Promise<void> {
  await writeJson(path, device);
}

/** Resolves to the content of the file. @throws EIO if it is damaged */
export function readAccount(path: string): Promise<AccountFile | undefined> {
  return readJson(path, AccountFileSchema);
}

export async function writeAccount(path: string, account: AccountFile): Promise<void> {
  await writeJson(path, account);
}

/** Resolves to the content of the file. @throws EIO if it is damaged */
export async function readPorts(path: string): Promise<PortsFile> {
  return (await readJson(path, PortsFileSchema)) ?? {};
}

export async function writePorts(path: string, ports: PortsFile): Promise<void> {
  await writeJson(path, ports);
}

/** The password of the WebDAV server, generated on first use. @throws EIO if the file is damaged */
export async function webDavPassword(path: string): Promise<string> {
  const kept = await readJson(path, WebDavFileSchema);
  if (kept !== undefined) return kept.password;
  const password = generatePassword();
  await writeJson(path, { password });
  return password;
}

/** A password with 120 random bits, without letters that look alike, in groups that are easy to type: `k3fq-…`. */
export function generatePassword(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  const letters = Array.from(randomBytes(24), (byte) => alphabet[byte % alphabet.length]);
  return letters.join('').replaceAll(/(.{6})(?=.)/g, '$1-');
}

/** Reads and validates one of Fjord's own JSON files. @throws EIO if it is damaged */
export async function readJson<T extends TSchema>(path: string, schema: T): Promise<Static<T> | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const value = parse(text);
  if (Value.Check(schema, value)) return value;
  const reason = 'this file is damaged; restore it or remove it';
  throw new FsError('EIO', 'read', { subject: path, reason });
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writePrivateFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
