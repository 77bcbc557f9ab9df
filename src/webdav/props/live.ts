import type { Attr, StatFs } from '../../vfs/node.ts';
import { etagOf } from '../etag.ts';
import { formatHttpDate, formatIsoDate } from '../http-date.ts';
import { SUPPORTED_LOCK } from '../locks/lock.ts';
import { typeOf } from '../media-type.ts';
import { FJORD } from '../xml/element.ts';
import { escapeText, withoutForbidden } from '../xml/escape.ts';

/** The data that live properties are computed from. */
export interface Resource {
  readonly attr: Attr;
  /** The `D:lockdiscovery` element. */
  readonly locks: string;
  /** Present if quota was requested and may be sent to this client. */
  readonly quota: StatFs | undefined;
  /** What the host computes about the node, if that was requested. */
  readonly facts: Readonly<Record<string, string>> | undefined;
}

/** Returns the whole element, with `D` bound to `DAV:`; `undefined` if the resource has no such property. */
export type LiveValue = (resource: Resource) => string | undefined;

export interface LiveProperty {
  /** Whether it is part of `allprop`. Properties that are costly, constant or not used by any client are not. */
  readonly common: boolean;
  /** Called once per response, as the function may remember the value of the previous resource. */
  readonly make: () => LiveValue;
}

export const MICROSOFT = 'urn:schemas-microsoft-com:';
export const APACHE = 'http://apache.org/dav/props/';
export const NO_LOCKS = '<D:lockdiscovery/>';

const common = (value: LiveValue): LiveProperty => ({ common: true, make: () => value });
const rare = (value: LiveValue): LiveProperty => ({ common: false, make: () => value });

type DatedAttr = 'mtime' | 'birthtime';

/** Remembers the last date: neighbours in a folder often share the second, and most of a listing's work is dates. */
const dated =
  (time: DatedAttr, write: (ms: number) => string): LiveProperty['make'] =>
  () => {
    let last: number | undefined;
    let text = '';
    return ({ attr }) => {
      const second = Math.floor(attr[time] / 1000);
      if (second !== last) {
        last = second;
        text = write(attr[time]);
      }
      return text;
    };
  };

const win32 = (name: string, time: DatedAttr): [string, LiveProperty] => [
  `{${MICROSOFT}}${name}`,
  { common: false, make: dated(time, (ms) => `<${name} xmlns="${MICROSOFT}">${formatHttpDate(ms)}</${name}>`) },
];

/** A property from what the host computes. It is never part of `allprop`, as clients would store it. */
const fact = (name: string): [string, LiveProperty] => [
  `{${FJORD}}${name}`,
  rare(({ facts }) => {
    const value = facts?.[name];
    return value === undefined ? undefined : `<${name} xmlns="${FJORD}">${escapeText(value)}</${name}>`;
  }),
];

const file =
  (value: (attr: Attr) => string): LiveValue =>
  ({ attr }) =>
    attr.kind === 'folder' ? undefined : value(attr);

/** By Clark name. */
export const LIVE: ReadonlyMap<string, LiveProperty> = new Map([
  ['{DAV:}resourcetype', common(({ attr }) => (attr.kind === 'folder' ? COLLECTION : '<D:resourcetype/>'))],
  [
    '{DAV:}creationdate',
    { common: true, make: dated('birthtime', (ms) => `<D:creationdate>${formatIsoDate(ms)}</D:creationdate>`) },
  ],
  [
    '{DAV:}getlastmodified',
    { common: true, make: dated('mtime', (ms) => `<D:getlastmodified>${formatHttpDate(ms)}</D:getlastmodified>`) },
  ],
  ['{DAV:}getcontentlength', common(file((attr) => `<D:getcontentlength>${attr.size}</D:getcontentlength>`))],
  ['{DAV:}getetag', common(file((attr) => `<D:getetag>${escapeText(etagOf(attr) ?? '')}</D:getetag>`))],
  ['{DAV:}getcontenttype', common(file((attr) => `<D:getcontenttype>${typeOf(attr)}</D:getcontenttype>`))],
  ['{DAV:}displayname', common(displayName)],
  ['{DAV:}lockdiscovery', common(({ locks }) => locks)],
  ['{DAV:}supportedlock', rare(() => SUPPORTED_LOCK)],
  ['{DAV:}lastmodified', rare(({ attr }) => `<D:lastmodified>${Math.floor(attr.mtime / 1000)}</D:lastmodified>`)],
  ['{DAV:}quota-available-bytes', rare(({ quota }) => bytes('quota-available-bytes', quota?.available))],
  ['{DAV:}quota-used-bytes', rare(({ quota }) => bytes('quota-used-bytes', quota?.used))],
  fact('availability'),
  fact('pinned'),
  win32('Win32LastModifiedTime', 'mtime'),
  win32('Win32CreationTime', 'birthtime'),
  [
    `{${APACHE}}executable`,
    rare(file((attr) => `<executable xmlns="${APACHE}">${(attr.mode & 0o100) === 0 ? 'F' : 'T'}</executable>`)),
  ],
]);

/**
 * The name without characters that XML cannot contain, omitted if nothing would be left. The href has the whole name.
 */
function displayName({ attr: { name } }: Resource): string | undefined {
  const text = withoutForbidden(name);
  return text === '' && name !== '' ? undefined : `<D:displayname>${escapeText(text)}</D:displayname>`;
}

const COLLECTION = '<D:resourcetype><D:collection/></D:resourcetype>';

function bytes(name: string, value: number | undefined): string | undefined {
  return value === undefined ? undefined : `<D:${name}>${Math.max(0, Math.floor(value))}</D:${name}>`;
}
