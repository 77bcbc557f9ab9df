/** The folder in a synced folder that is Fjord's own: it marks the folder, and files grow in it until they are whole. */
export const HIDDEN = '.fjord-sync';
/** The file in it with the id of the synced folder. */
export const MARKER = 'id';
/** How the names of growing files begin. */
export const PART = 'part-';
/** How the names of files begin that have lost their place while a program was writing them. */
export const OLD = 'old-';

const ASIDE = /^\.fjord-aside-[^-]{12}-/;
/** Bytes of a name that an aside name keeps. */
const KEPT = 200;

/** A name that a node has for a moment, while another one takes its name. */
export function asideName(id: string, name: string): string {
  let kept = originalName(name);
  while (Buffer.byteLength(kept) > KEPT) kept = Array.from(kept).slice(1).join('');
  return `${asidePrefix(id)}${kept}`;
}

function asidePrefix(id: string): string {
  return `.fjord-aside-${id.replaceAll('-', '').slice(-12).padStart(12, '0')}-`;
}

export function isAside(name: string): boolean {
  return ASIDE.test(name);
}

/** Whether it was made of the name of a node that was put aside, as that of a conflict copy: nothing gives this one its name back. */
export function isStray(id: string, name: string): boolean {
  return isAside(name) && !name.startsWith(asidePrefix(id));
}

/** The name that was taken. */
export function originalName(name: string): string {
  return name.replace(ASIDE, '');
}
