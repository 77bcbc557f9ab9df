import { FsError } from '../../vfs/fs-error.ts';
import type { NewAttr } from '../../vfs/node.ts';
import { DavError } from '../dav-error.ts';
import type { Door } from '../door.ts';
import { locate, placeOf } from '../locate.ts';
import { checkIf, requireTokens } from '../locks/guard.ts';
import { requestedTime } from '../mtime.ts';
import type { Outcome } from '../outcome.ts';
import { empty, xml } from '../outcome.ts';
import { evaluate } from '../preconditions.ts';
import type { Effect, Instruction } from '../props/settable.ts';
import { effectOf } from '../props/settable.ts';
import { instructionsIn, merge, propstats } from '../props/update.ts';
import type { DavRequest } from '../request.ts';
import { header } from '../request.ts';
import { elementsOf, isDav } from '../xml/element.ts';

/** Creates a folder, with the properties in the body if there is one (RFC 5689): both in one step, or neither. */
export async function mkcol(request: DavRequest, door: Door): Promise<Outcome> {
  const instructions = await wanted(request);
  const target = await locate(door.fs, { ...request.path, slash: false }, request.context);
  if (target.attr !== undefined) throw new FsError('EEXIST', 'mkdir', { subject: target.name });
  const { parent: folder, name } = placeOf(target);
  if (evaluate(request, undefined) !== 'pass') throw new DavError(412, 'The folder is not the one that was expected.');
  const tokens = await checkIf(request, door);
  requireTokens(door, tokens, { names: request.path.names, membership: true, tree: false });
  const effects = instructions.map((instruction) => effectOn(instruction, door.now()));
  if (effects.some(({ status }) => status !== 200)) return refused(instructions, effects);
  const { mtime, headers } = requestedTime(request, door.now());
  const attr = { ...createdWith(effects), ...(mtime === undefined ? {} : { mtime }) };
  await door.fs.mkdir(folder, name, attr, request.context);
  return empty(201, headers);
}

/** @throws DavError 415 for a body that is not XML, 400 for another element than `DAV:mkcol` */
async function wanted(request: DavRequest): Promise<readonly Instruction[]> {
  const { body } = request;
  if (body.length === 0) return [];
  const type = header(request, 'content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!/^(?:application|text)\/(?:[\w.-]+\+)?xml$/.test(type)) {
    throw new DavError(415, 'The body of MKCOL, if there is one, must be a DAV:mkcol element in XML.');
  }
  const root = await body.xml();
  if (root === undefined) return [];
  if (!isDav(root, 'mkcol')) throw new DavError(400, 'The body of MKCOL is not a DAV:mkcol element.');
  return instructionsIn(root, ['set']);
}

function effectOn(instruction: Instruction, now: number): Effect {
  const { element } = instruction;
  if (!isDav(element, 'resourcetype')) return effectOf(instruction, { kind: 'folder', mode: 0o755 }, now);
  const types = elementsOf(element);
  if (types.length === 1 && types.every((type) => isDav(type, 'collection'))) return { status: 200, changes: {} };
  return { status: 403, reason: 'Only plain collections can be created.', condition: 'valid-resourcetype' };
}

function createdWith(effects: readonly Effect[]): NewAttr {
  const { mtime, birthtime, mode, xattrs = {} } = merge(effects);
  const kept = Object.entries(xattrs).filter((pair): pair is [string, string] => pair[1] !== null);
  return {
    ...(mtime === undefined ? {} : { mtime }),
    ...(birthtime === undefined ? {} : { birthtime }),
    ...(mode === undefined ? {} : { mode }),
    ...(kept.length === 0 ? {} : { xattrs: Object.fromEntries(kept) }),
  };
}

function refused(instructions: readonly Instruction[], effects: readonly Effect[]): Outcome {
  const head = '<?xml version="1.0" encoding="utf-8"?><D:mkcol-response xmlns:D="DAV:">';
  return xml(424, `${head}${propstats(instructions, effects)}</D:mkcol-response>`, ['Cache-Control', 'no-store']);
}
