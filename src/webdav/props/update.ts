import type { AttrChanges } from '../../vfs/node.ts';
import { DavError } from '../dav-error.ts';
import { errorElement } from '../failure.ts';
import { statusLine } from '../multistatus.ts';
import type { XmlElement } from '../xml/element.ts';
import { elementsOf, isDav } from '../xml/element.ts';
import { clark, emptyElement } from './property-name.ts';
import type { Effect, Instruction } from './settable.ts';

/** The instructions in the `set` and `remove` elements of an update, in document order. @throws DavError 400 */
export function instructionsIn(root: XmlElement, allowed: readonly ('set' | 'remove')[]): readonly Instruction[] {
  const updates = elementsOf(root).filter((e) => allowed.some((name) => isDav(e, name)));
  return updates.flatMap((update) => {
    const props = elementsOf(update).filter((e) => isDav(e, 'prop'));
    if (props.length === 0) throw new DavError(400, `A DAV:${update.name} lacks its DAV:prop.`);
    const remove = update.name === 'remove';
    return props.flatMap((prop) => elementsOf(prop).map((element) => ({ remove, element })));
  });
}

/** All changes merged into one; later ones win. */
export function merge(effects: readonly Effect[]): AttrChanges {
  const changes = effects.flatMap((effect) => (effect.status === 200 ? [effect.changes] : []));
  const xattrs: Record<string, string | null> = Object.assign({}, ...changes.map((change) => change.xattrs ?? {}));
  const rest: AttrChanges = Object.assign({}, ...changes);
  return Object.keys(xattrs).length > 0 ? { ...rest, xattrs } : rest;
}

/** One `propstat` per status. Instructions that were not carried out because others failed get 424. */
export function propstats(instructions: readonly Instruction[], effects: readonly Effect[]): string {
  const failed = effects.some(({ status }) => status !== 200);
  const groups = new Map<string, Set<string>>();
  for (const [i, { element }] of instructions.entries()) {
    const effect = effects[i];
    if (effect === undefined) continue;
    const trailer = trailerOf(effect, failed);
    groups.set(trailer, (groups.get(trailer) ?? new Set()).add(clark(element)));
  }
  const byKey = new Map(instructions.map(({ element }) => [clark(element), emptyElement(element)]));
  const rows = [...groups].map(
    ([trailer, keys]) =>
      `<D:propstat><D:prop>${[...keys].map((key) => byKey.get(key) ?? '').join('')}</D:prop>${trailer}</D:propstat>`,
  );
  return rows.join('');
}

function trailerOf(effect: Effect, failed: boolean): string {
  if (effect.status === 200) return statusLine(failed ? 424 : 200);
  const condition = effect.condition === undefined ? undefined : { name: effect.condition };
  return statusLine(effect.status) + errorElement(effect.reason, condition, '');
}
