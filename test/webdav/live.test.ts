import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { Attr } from '../../src/vfs/node.ts';
import { LIVE } from '../../src/webdav/props/live.ts';

const FILE = { id: 'n', parent: 'p', name: 'f', kind: 'file', size: 1, mode: 0o644, ctime: 0, version: 'v' } as const;
const time = fc.oneof(fc.double({ noNaN: true, min: 0, max: 5000 }), fc.date({ noInvalidDate: true }).map(Number));

/** A function that remembers the previous row must return the same for each row as one that has seen no other. */
t.test('a property does not depend on earlier rows', async (t) => {
  const run = fc.property(fc.array(fc.tuple(time, time), { minLength: 1, maxLength: 20 }), (times) => {
    for (const [name, { make }] of LIVE) {
      const value = make();
      for (const [mtime, birthtime] of times) {
        const attr: Attr = { ...FILE, mtime, birthtime };
        const resource = { attr, locks: '', quota: undefined, facts: { availability: 'cached' } };
        assert.equal(value(resource), make()(resource), name);
      }
    }
  });
  t.doesNotThrow(() => fc.assert(run));
});
