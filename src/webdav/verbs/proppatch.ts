import type { Attr, AttrChanges } from '../../vfs/node.ts';
import { DavError } from '../dav-error.ts';
import type { Door } from '../door.ts';
import { errorElement } from '../failure.ts';
import { existing, locate } from '../locate.ts';
import { checkIf, requireTokens } from '../locks/guard.ts';
import { MULTISTATUS_HEAD, MULTISTATUS_TAIL, statusLine } from '../multistatus.ts';
import type { Outcome } from '../outcome.ts';
import { xml } from '../outcome.ts';
import { hrefOf } from '../path.ts';
import { evaluate } from '../preconditions.ts';
import { MICROSOFT } from '../props/live.ts';
import { clark, emptyElement } from '../props/property-name.ts';
import type { Effect, Instruction } from '../props/settable.ts';
import { effectOf } from '../props/settable.ts';
import type { DavRequest } from '../request.ts';
import type { XmlElement } from '../xml/element.ts';
import { elementsOf, isDav } from '../xml/element.ts';

/** Properties set and removed in document order, all or none (RFC 4918 section 9.2). */
export async function proppatch(request: DavRequest, door: Door): Promise<Outcome> {
  const { context, path } = request;
  const instructions = parse(await request.body.xml());
  const attr = existing(await locate(door.fs, path, context));
  if (evaluate(request, attr) !== 'pass') throw new DavError(412, 'The file is not the one that was expected.');
  const tokens = await checkIf(request, door);
  // Office sets the times of a file it has locked without submitting the lock's token.
  const ofWindows = instructions.every(({ element }) => element.namespace === MICROSOFT);
  if (!ofWindows) requireTokens(door, tokens, { names: path.names, membership: false, tree: false });
  const effects = instructions.map((instruction) => effectOf(instruction, attr, door.now()));
  if (effects.every(({ status }) => status === 200)) {
    const changes = merge(effects);
    if (Object.keys(changes).length > 0) await door.fs.setattr(attr.id, changes, context);
  }
  return answer(attr, path.names, instructions, effects);
}

/** @throws DavError 400 */
function parse(root: XmlElement | undefined): readonly Instruction[] {
  if (root === undefined || !isDav(root, 'propertyupdate')) {
    throw new DavError(400, 'The body of PROPPATCH is not a DAV:propertyupdate element.');
  }
  const updates = elementsOf(root).filter((e) => isDav(e, 'set') || isDav(e, 'remove'));
  const instructions = updates.flatMap((update) => {
    const props = elementsOf(update).filter((e) => isDav(e, 'prop'));
    if (props.length === 0) throw new DavError(400, `A DAV:${update.name} lacks its DAV:prop.`);
    const remove = update.name === 'remove';
    return props.flatMap((prop) => elementsOf(prop).map((element) => ({ remove, element })));
  });
  if (instructions.length === 0) throw new DavError(400, 'A PROPPATCH sets or removes at least one property.');
  return instructions;
}

function merge(effects: readonly Effect[]): AttrChanges {
  const changes = effects.flatMap((effect) => (effect.status === 200 ? [effect.changes] : []));
  const xattrs: Record<string, string | null> = Object.assign({}, ...changes.map((change) => change.xattrs ?? {}));
  const rest: AttrChanges = Object.assign({}, ...changes);
  return Object.keys(xattrs).length > 0 ? { ...rest, xattrs } : rest;
}

/** One `propstat` for each status; what was only held up by the others' failure gets 424. */
function answer(
  attr: Attr,
  names: readonly string[],
  instructions: readonly Instruction[],
  effects: readonly Effect[],
): Outcome {
  const failed = effects.some(({ status }) => status !== 200);
  const groups = new Map<string, Set<string>>();
  for (const [i, { element }] of instructions.entries()) {
    const effect = effects[i];
    if (effect === undefined) continue;
    const trailer = trailerOf(effect, failed);
    groups.set(trailer, (groups.get(trailer) ?? new Set()).add(clark(element)));
  }
  const byKey = new Map(instructions.map(({ element }) => [clark(element), emptyElement(element)]));
  const propstats = [...groups].map(
    ([trailer, keys]) =>
      `<D:propstat><D:prop>${[...keys].map((key) => byKey.get(key) ?? '').join('')}</D:prop>${trailer}</D:propstat>`,
  );
  const href = hrefOf(names, attr.kind === 'folder');
  const row = `<D:response><D:href>${href}</D:href>${propstats.join('')}</D:response>`;
  return xml(207, MULTISTATUS_HEAD + row + MULTISTATUS_TAIL);
}

function trailerOf(effect: Effect, failed: boolean): string {
  if (effect.status === 200) return statusLine(failed ? 424 : 200);
  const condition = effect.status === 403 ? { name: 'cannot-modify-protected-property' } : undefined;
  return statusLine(effect.status) + errorElement(effect.reason, condition, '');
}
