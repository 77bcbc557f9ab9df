import type { Attr, StatFs } from '../../vfs/node.ts';
import { etagOf } from '../etag.ts';
import { formatHttpDate, formatIsoDate } from '../http-date.ts';
import { SUPPORTED_LOCK } from '../locks/lock.ts';
import { typeOf } from '../media-type.ts';
import { escapeText, withoutForbidden } from '../xml/escape.ts';

/** What a live property is computed from. */
export interface Resource {
  readonly attr: Attr;
  /** The `D:lockdiscovery` element. */
  readonly locks: string;
  /** Present if quota was asked for and may be told. */
  readonly quota: StatFs | undefined;
}

/** The whole element with `D` bound to `DAV:`; `undefined` where the resource has no such property. */
export type LiveValue = (resource: Resource) => string | undefined;

export interface LiveProperty {
  /** Part of `allprop`; what is costly, constant or asked for by nobody is not. */
  readonly common: boolean;
  /** To be made anew for each answer: it may remember what it said of the resource before. */
  readonly make: () => LiveValue;
}

export const MICROSOFT = 'urn:schemas-microsoft-com:';
export const APACHE = 'http://apache.org/dav/props/';
export const NO_LOCKS = '<D:lockdiscovery/>';

const common = (value: LiveValue): LiveProperty => ({ common: true, make: () => value });
const rare = (value: LiveValue): LiveProperty => ({ common: false, make: () => value });

type DatedAttr = 'mtime' | 'birthtime';

/** Neighbours in a folder often are of the same second, and dates are most of what a listing has to make. */
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
  win32('Win32LastModifiedTime', 'mtime'),
  win32('Win32CreationTime', 'birthtime'),
  [
    `{${APACHE}}executable`,
    rare(file((attr) => `<executable xmlns="${APACHE}">${(attr.mode & 0o100) === 0 ? 'F' : 'T'}</executable>`)),
  ],
]);

/** Without what XML cannot carry; none for a name of which nothing would be left. The address has the whole name. */
function displayName({ attr: { name } }: Resource): string | undefined {
  const text = withoutForbidden(name);
  return text === '' && name !== '' ? undefined : `<D:displayname>${escapeText(text)}</D:displayname>`;
}

const COLLECTION = '<D:resourcetype><D:collection/></D:resourcetype>';

function bytes(name: string, value: number | undefined): string | undefined {
  return value === undefined ? undefined : `<D:${name}>${Math.max(0, Math.floor(value))}</D:${name}>`;
}
