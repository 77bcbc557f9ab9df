/**
 * Options of an `LRUCache` with at most this number of entries. Unlike its `max`, they do not allocate the memory of all
 * entries when the cache is created.
 */
export function atMost(entries: number): { maxSize: number; sizeCalculation: () => number } {
  return { maxSize: entries, sizeCalculation: () => 1 };
}
