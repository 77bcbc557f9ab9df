import type { Attr, Kind, Time } from '../vfs/node.ts';
import type { Inode } from './inode.ts';
import { Mode } from './wire/flags.ts';
import * as wire from './wire/structs.ts';

/** The owner of all nodes (the port has no owners), and how long the kernel may cache them. */
export interface Presentation {
  readonly uid: number;
  readonly gid: number;
  /** Validity of names and attributes in the kernel's caches, in seconds. */
  readonly validity: number;
}

/** A node as it is sent to the kernel. */
export interface Entry {
  readonly inode: Inode;
  readonly attr: Attr;
  /** False if a change has made the response outdated, so that the kernel must not cache it. */
  readonly lasting: boolean;
}

/**
 * Resolution of the stored times, in nanoseconds. Times are milliseconds as a double, which currently resolve about
 * 0.25 µs.
 */
export const TIME_GRAN = 1000;

const TYPE: Record<Kind, number> = { file: Mode.IFREG, folder: Mode.IFDIR, symlink: Mode.IFLNK };
const BLOCK_SIZE = 4096;
const HIGH = 2 ** 32;

/** Bytes of `fuse_attr_out`. */
export const ATTR_OUT = wire.AttrOut.size + wire.Attr.size;

/** Bytes of `fuse_entry_out`. */
export const ENTRY_OUT = wire.EntryOut.size + wire.Attr.size;

/** `fuse_attr_out`. */
export function putAttrOut(inode: Inode, attr: Attr, how: Presentation, into: Buffer, at: number): number {
  inode.told = digest(attr);
  wire.AttrOut.encode({ attrValid: how.validity }, into, at);
  return wire.AttrOut.size + putAttr(inode, attr, how, into, at + wire.AttrOut.size);
}

/** Writes `fuse_entry_out`. Does not change the lookup count. */
export function putEntryOut({ inode, attr, lasting }: Entry, how: Presentation, into: Buffer, at: number): number {
  inode.told = digest(attr);
  const valid = lasting ? how.validity : 0;
  put64(inode.nodeid, into, at);
  put64(0, into, at + 8);
  put64(valid, into, at + 16);
  put64(valid, into, at + 24);
  put64(0, into, at + 32);
  return wire.EntryOut.size + putAttr(inode, attr, how, into, at + wire.EntryOut.size);
}

/** Writes the `fuse_entry_out` of a name that does not exist, which the kernel may cache. */
export function putNegative(how: Presentation, into: Buffer, at: number): number {
  into.fill(0, at, at + ENTRY_OUT);
  wire.EntryOut.encode({ entryValid: how.validity }, into, at);
  return ENTRY_OUT;
}

/** Writes `fuse_attr` without a `Layout`, as this is most of the work of a listing. A test compares both. */
function putAttr(inode: Inode, attr: Attr, { uid, gid }: Presentation, into: Buffer, at: number): number {
  putIno(attr.id, into, at);
  put64(attr.size, into, at + 8);
  put64(blocksOf(attr), into, at + 16);
  putTime(inode.atime ?? attr.mtime, into, at + 24, at + 48);
  putTime(attr.mtime, into, at + 32, at + 52);
  putTime(ctimeOf(inode, attr), into, at + 40, at + 56);
  into.writeUInt32LE(modeOf(attr), at + 60);
  into.writeUInt32LE(linksOf(inode), at + 64);
  into.writeUInt32LE(uid, at + 68);
  into.writeUInt32LE(gid, at + 72);
  into.writeUInt32LE(0, at + 76);
  into.writeUInt32LE(BLOCK_SIZE, at + 80);
  into.writeUInt32LE(0, at + 84);
  return wire.Attr.size;
}

function put64(value: number, into: Buffer, at: number): void {
  into.writeUInt32LE(value % HIGH, at);
  into.writeUInt32LE(Math.floor(value / HIGH), at + 4);
}

function putTime(time: Time, into: Buffer, sec: number, nsec: number): void {
  const micros = Math.round(time * 1000);
  const fraction = fractionOf(micros);
  const seconds = (micros - fraction) / 1e6;
  into.writeInt32LE(seconds | 0, sec);
  into.writeInt32LE(Math.floor(seconds / HIGH), sec + 4);
  into.writeUInt32LE(fraction * 1000, nsec);
}

/** Microseconds within the second. Exact even where a division would round up to the next second. */
function fractionOf(micros: number): number {
  const rest = micros % 1e6;
  return rest < 0 ? rest + 1e6 : rest;
}

/** `fuse_statx_out`. */
export function putStatxOut(
  inode: Inode,
  attr: Attr,
  how: Presentation,
  mask: number,
  into: Buffer,
  at: number,
): number {
  inode.told = digest(attr);
  const { uid, gid, validity } = how;
  const stat = at + wire.StatxOut.size;
  const times = stat + wire.Statx.size;
  const end = times + 4 * wire.StatxTime.size + wire.STATX_TAIL;
  into.fill(0, at, end);
  wire.StatxOut.encode({ attrValid: validity }, into, at);
  const values = { mask, blksize: BLOCK_SIZE, nlink: linksOf(inode), uid, gid, mode: modeOf(attr) };
  wire.Statx.encode({ ...values, size: attr.size, blocks: blocksOf(attr) }, into, stat);
  putIno(attr.id, into, stat + 32);
  for (const [index, time] of [inode.atime ?? attr.mtime, attr.birthtime, ctimeOf(inode, attr), attr.mtime].entries()) {
    const [sec, nsec] = split(time);
    wire.StatxTime.encode({ sec, nsec }, into, times + index * wire.StatxTime.size);
  }
  return end - at;
}

/** Writes the inode number that programs see (`st_ino`). It is the same after a remount, which git's index needs. */
export function putIno(id: string, into: Buffer, at: number): void {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < id.length; i++) {
    const unit = id.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995);
    high ^= high >>> 15;
  }
  into.writeInt32LE(low | 1, at);
  into.writeInt32LE(high & 0x7fff_ffff, at + 4);
}

/** Splits a time into seconds and nanoseconds. */
export function split(time: Time): [sec: number, nsec: number] {
  const micros = Math.round(time * 1000);
  const fraction = fractionOf(micros);
  return [(micros - fraction) / 1e6, fraction * 1000];
}

/** The inverse of `split`. */
export function join(sec: number, nsec: number): Time {
  return sec * 1000 + nsec / 1e6;
}

/** A digest of attributes as a small integer, which needs no allocation, as there is one per node. Never 0. */
export function digest({ size, mode, mtime, ctime }: Attr): number {
  let hash = 0x811c9dc5;
  for (const value of [size, mode, mtime * 1024, ctime * 1024]) {
    hash = Math.imul(hash ^ value, 0x01000193);
    hash = Math.imul(hash ^ (value / 2 ** 32), 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  return (hash & 0x3fff_ffff) | 1;
}

function modeOf({ kind, mode }: Attr): number {
  return TYPE[kind] | mode;
}

function ctimeOf({ touched }: Inode, { ctime }: Attr): Time {
  return touched === undefined ? ctime : Math.max(touched, ctime);
}

function linksOf({ unlinked }: Inode): number {
  return unlinked ? 0 : 1;
}

/** In units of 512 bytes, as `du` counts. */
function blocksOf({ kind, size, allocated = size }: Attr): number {
  return kind === 'file' ? Math.ceil(allocated / BLOCK_SIZE) * (BLOCK_SIZE / 512) : 0;
}
