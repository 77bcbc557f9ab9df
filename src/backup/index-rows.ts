import type { Mirrored } from './mirrored.ts';

/** A row of an index: its key, and its value. */
export type IndexRow = readonly [key: string, value: unknown];

/** The rows of a node in one set of them; see `BackupIndex`. */
export function rowsOf(node: Mirrored, half: string): IndexRow[] {
  const place = `${node.parent}\0${node.name}`;
  const rows: IndexRow[] = [
    [`${half}c${place}`, node],
    [`${half}i${node.id}`, place],
  ];
  if (node.hash !== null) rows.push([`${half}h${node.hash}\0${node.id}`, 0]);
  if (node.source) rows.push([`${half}o${node.source.inode}\0${node.id}`, 0]);
  return rows;
}
