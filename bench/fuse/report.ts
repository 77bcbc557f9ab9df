import { markdown, median, round } from '../lib/figures.ts';
import type { Contestant } from './contestant.ts';
import { moreIsBetter, type Row } from './turn.ts';

export interface Column {
  readonly contestant: Contestant;
  readonly version: string;
  /** Why it did not take part, if it did not. */
  readonly missing: string | undefined;
  /** By figure: one value per round. */
  readonly figures: Map<string, number[]>;
}

/** A table of medians, with the factor by which the first column is better in brackets. */
export function report(rows: readonly Row[], all: readonly Column[]): string {
  const columns = all.filter(({ missing }) => missing === undefined);
  const [own] = columns;
  const lines = rows.map((row) => {
    const ours = middle(own, row.figure);
    const cells = columns.map((column) => cell(row, ours, middle(column, row.figure), column === own));
    return [`${row.figure}, ${row.unit}`, ...cells];
  });
  const head = ['', ...columns.map(({ contestant, version }) => `${contestant.name} ${version}`)];
  const note =
    'Medians; peers in turn, each time with empty data. In brackets: how many times better the first column is ' +
    '(1× is equal, below 1 is worse); – is what does not work or does not exist there.';
  const absent = all.filter(({ missing }) => missing !== undefined);
  const left = absent.map(({ contestant, missing }) => `${contestant.name} did not take part: ${missing ?? ''}.`);
  return [note, ...left, '', markdown(head, lines)].join('\n');
}

function cell(row: Row, ours: number, value: number, own: boolean): string {
  if (own || !Number.isFinite(value) || !Number.isFinite(ours)) return round(value);
  const ratio = moreIsBetter(row) ? ours / value : value / ours;
  return `${round(value)} (${round(ratio)}×)`;
}

function middle(column: Column | undefined, figure: string): number {
  return median(column?.figures.get(figure) ?? []);
}
