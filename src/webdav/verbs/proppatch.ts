import type { Attr } from '../../vfs/node.ts';
import { DavError } from '../dav-error.ts';
import type { Door } from '../door.ts';
import { existing, locate } from '../locate.ts';
import { checkIf, requireTokens } from '../locks/guard.ts';
import { MULTISTATUS_HEAD, MULTISTATUS_TAIL } from '../multistatus.ts';
import type { Outcome } from '../outcome.ts';
import { xml } from '../outcome.ts';
import { hrefOf } from '../path.ts';
import { evaluate } from '../preconditions.ts';
import { MICROSOFT } from '../props/live.ts';
import type { Effect, Instruction } from '../props/settable.ts';
import { effectOf } from '../props/settable.ts';
import { instructionsIn, merge, propstats } from '../props/update.ts';
import type { DavRequest } from '../request.ts';
import type { XmlElement } from '../xml/element.ts';
import { isDav } from '../xml/element.ts';

/** Sets and removes properties in document order, all or none (RFC 4918 section 9.2). */
export async function proppatch(request: DavRequest, door: Door): Promise<Outcome> {
  const { context, path } = request;
  const instructions = parse(await request.body.xml());
  const attr = existing(await locate(door.fs, path, context));
  if (evaluate(request, attr) !== 'pass')
    throw new DavError(412, 'The file has changed: the conditions of the request do not hold.');
  const tokens = await checkIf(request, door);
  // Office sets the times of a file that it has locked without submitting the lock's token.
  const ofWindows = instructions.every(({ element }) => element.namespace === MICROSOFT);
  if (!ofWindows) requireTokens(door, tokens, { names: path.names, membership: false, tree: false });
  const effects = instructions.map((instruction) => effectOf(instruction, attr, door.now()));
  if (effects.every(({ status }) => status === 200)) {
    const changes = merge(effects);
    if (Object.keys(changes).length > 0) await door.fs.setattr(attr.id, changes, context);
  }
  return respond(attr, path.names, instructions, effects);
}

/** @throws DavError 400 */
function parse(root: XmlElement | undefined): readonly Instruction[] {
  if (root === undefined || !isDav(root, 'propertyupdate')) {
    throw new DavError(400, 'The body of PROPPATCH is not a DAV:propertyupdate element.');
  }
  const instructions = instructionsIn(root, ['set', 'remove']);
  if (instructions.length === 0) throw new DavError(400, 'A PROPPATCH must set or remove at least one property.');
  return instructions;
}

/** One row with a `propstat` for each status. */
function respond(
  attr: Attr,
  names: readonly string[],
  instructions: readonly Instruction[],
  effects: readonly Effect[],
): Outcome {
  const href = hrefOf(names, attr.kind === 'folder');
  const row = `<D:response><D:href>${href}</D:href>${propstats(instructions, effects)}</D:response>`;
  return xml(207, MULTISTATUS_HEAD + row + MULTISTATUS_TAIL);
}
