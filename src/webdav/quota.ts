import type { Door } from './door.ts';
import type { DavRequest } from './request.ts';
import { header } from './request.ts';

/** First Darwin version that stalls over quota: 24.4, which is macOS 15.4. */
const STALLING = { major: 24, minor: 4 };

/** Whether quota properties may be sent to this client. */
export function tellsQuota({ quota }: Door, request: DavRequest): boolean {
  if (quota !== 'auto') return quota === 'named';
  const agent = header(request, 'user-agent') ?? '';
  const m = /^WebDAVFS\/.*\bDarwin\/(\d+)\.(\d+)/.exec(agent);
  if (!m) return true;
  const [major, minor] = [Number(m[1]), Number(m[2])];
  return major < STALLING.major || (major === STALLING.major && minor < STALLING.minor);
}
