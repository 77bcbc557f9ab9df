import type { BriefResults, DoneResult, Intent, IntentResult, MadeResult, NodeRecord } from '../records.ts';
import { BrokenResponse } from './errors.ts';

/** The results of a brief response, with what the intents say themselves. @throws BrokenResponse if they do not fit */
export function fullResults(intents: readonly Intent[], brief: BriefResults): IntentResult[] {
  const { results } = brief;
  if (results.length !== intents.length || intents.some(({ id }, i) => id !== results[i]?.id)) {
    throw new BrokenResponse('the cloud sent results of other intents');
  }
  return results.map((result, i) =>
    result.status === 'made' ? fullResult(intents[i] as Intent, result, brief) : result,
  );
}

function fullResult(intent: Intent, made: MadeResult, common: BriefResults): DoneResult {
  const { id, stamp } = made;
  return { id, status: 'done', node: nodeMade(intent, made, common), stamp };
}

function nodeMade(intent: Intent, { rev, hash }: MadeResult, { ctime, device }: BriefResults): NodeRecord {
  if (intent.op !== 'put' && intent.op !== 'mkdir' && intent.op !== 'symlink') throw misfit(intent);
  if (ctime === undefined || device === undefined) throw misfit(intent);
  const { node: id, space, parent, name, mode, mtime, birthtime, posix, xattrs } = intent;
  const kind = intent.op === 'put' ? 'file' : intent.op === 'mkdir' ? 'folder' : 'symlink';
  const { size, version } = contentOf(intent, hash);
  const place = {
    id,
    space,
    parent,
    name,
    kind,
    mode,
    mtime,
    birthtime,
    ctime,
    rev,
    device,
    removed: false,
    size,
    version,
    hash,
  } as const;
  const node: { -readonly [Field in keyof NodeRecord]: NodeRecord[Field] } = place;
  if (intent.op === 'symlink') node.target = intent.target;
  if (xattrs !== undefined && Object.keys(xattrs).length > 0) node.xattrs = xattrs;
  if (posix !== undefined) node.posix = posix;
  return node;
}

function contentOf(intent: Intent, hash: string | null): Pick<NodeRecord, 'size' | 'version'> {
  if (intent.op === 'put') {
    if (hash === null || intent.base !== null || !('blocks' in intent.content)) throw misfit(intent);
    return { size: intent.content.size, version: intent.version };
  }
  if (hash !== null) throw misfit(intent);
  return { size: intent.op === 'symlink' ? Buffer.byteLength(intent.target) : 0, version: null };
}

function misfit({ op }: Intent): BrokenResponse {
  return new BrokenResponse(`the cloud sent a result that no '${op}' of this kind has`);
}
