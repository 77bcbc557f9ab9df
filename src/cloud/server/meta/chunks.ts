/** Values per statement: databases limit the parameters of a statement (SQLite: 32,766). */
const CHUNK = 5000;

/** Splits the list into parts that fit into one statement. */
export function* inChunks<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < list.length; start += CHUNK) yield list.slice(start, start + CHUNK);
}
