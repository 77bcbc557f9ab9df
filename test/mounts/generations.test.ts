import { writeSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { background as context } from '../../src/vfs/context.ts';
import type { FileHandle } from '../../src/vfs/file-system.ts';
import { openTestDrive, type TestDrive } from '../helpers/drive.ts';
import { temporary } from '../helpers/temporary.ts';

/** A step of a program that uses one file while it is being uploaded. */
type Step =
  | { readonly do: 'write'; readonly at: number; readonly length: number; readonly fill: number }
  | { readonly do: 'truncate'; readonly size: number }
  | { readonly do: 'open' | 'lend' | 'close' | 'claim' | 'lost' | 'done' | 'copy' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('write'), at: fc.nat(3000), length: fc.nat(2000), fill: fc.nat(255) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('truncate'), size: fc.nat(4000) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('open', 'lend', 'close', 'claim', 'lost', 'done', 'copy') }),
  },
);

t.test('programs see their bytes and frozen generations do not change, whatever the uploader does', async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  let run = 0;
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
    await new Run(rig, `f${++run}`).play(steps);
  });
  await fc.assert(property, { numRuns: 150 });
  t.equal(rig.parts.files.size, 0);
  t.ok(lent > 0, 'files were lent');
  await rig.parts.writer.idle();
});

let lent = 0;

class Run {
  readonly #rig: TestDrive;
  readonly #name: string;
  readonly #handles: FileHandle[] = [];
  #model = Buffer.alloc(0);
  #node = '';
  /** The versions that the cloud would have, with their bytes at the time of the claim. */
  readonly #sent = new Map<string, Buffer>();
  #copies = 0;
  /** Backing files, which are written directly, as by a kernel. */
  readonly #lent = new Map<FileHandle, number>();

  constructor(rig: TestDrive, name: string) {
    this.#rig = rig;
    this.#name = name;
  }

  async play(steps: readonly Step[]): Promise<void> {
    const { drive } = this.#rig;
    const first = await drive.create('sync-root', this.#name, {}, { read: true, write: true }, context);
    this.#node = first.node;
    this.#handles.push(first);
    for (const each of steps) {
      await this.#step(each);
      await this.#check();
    }
    for (const handle of this.#handles) await handle.close();
    await this.#check();
    await drive.unlink('sync-root', this.#name, context);
  }

  async #step(each: Step): Promise<void> {
    const { drive } = this.#rig;
    const handle = this.#handles.at(-1);
    if (each.do === 'open') this.#handles.push(await drive.open(this.#node, { read: true, write: true }, context));
    if (each.do === 'lend') await this.#lend(handle);
    if (each.do === 'close') await this.#close();
    if (each.do === 'write' && handle !== undefined && each.length > 0) {
      const data = Buffer.alloc(each.length, each.fill);
      const fd = this.#lent.get(handle);
      if (fd === undefined) await handle.write(data, each.at, context);
      else writeSync(fd, data, 0, data.length, each.at);
      const grown = Buffer.alloc(Math.max(this.#model.length, each.at + each.length));
      this.#model.copy(grown);
      data.copy(grown, each.at);
      this.#model = grown;
    }
    if (each.do === 'truncate') {
      await drive.setattr(this.#node, { size: each.size }, context);
      const cut = Buffer.alloc(each.size);
      this.#model.copy(cut);
      this.#model = cut;
    }
    if (each.do === 'claim') await this.#claim();
    if (each.do === 'lost') this.#lose();
    if (each.do === 'done') await this.#done();
    if (each.do === 'copy') await this.#copy();
  }

  async #lend(handle: FileHandle | undefined): Promise<void> {
    const backing = await handle?.backing?.(context);
    if (handle !== undefined && backing !== undefined) this.#lent.set(handle, backing.fd);
    if (backing !== undefined) lent++;
  }

  async #close(): Promise<void> {
    const handle = this.#handles.shift();
    if (handle === undefined) return;
    this.#lent.delete(handle);
    await handle.close();
  }

  /** Claims the first put and freezes it, as the uploader does. */
  async #claim(): Promise<void> {
    const { journal, files, catalog } = this.#rig.parts;
    const [put] = journal.of(this.#node);
    if (put === undefined || journal.isClaimed(put.seq)) return;
    journal.claim(put.seq);
    const file = await files.freeze(this.#node);
    const sent = journal.get(put.seq);
    if (file === undefined || sent?.version === undefined) throw new Error('a put without content');
    if (sent.writing === true) throw new Error('a generation that is still written');
    if (catalog.get(this.#node)?.staged === file.id && catalog.get(this.#node)?.version !== sent.version) {
      throw new Error('the entry and the put disagree');
    }
    const bytes = Buffer.alloc(file.size);
    await file.read(bytes, 0, context);
    const known = this.#sent.get(sent.version);
    if (known !== undefined && !known.equals(bytes)) throw new Error('a generation was changed after it was sent');
    this.#sent.set(sent.version, bytes);
  }

  /** The response was lost, so the same intent will be sent again. */
  #lose(): void {
    const { journal } = this.#rig.parts;
    for (const { seq } of journal.of(this.#node)) if (journal.isClaimed(seq)) journal.release(seq);
  }

  /** The cloud has it. */
  async #done(): Promise<void> {
    const { journal, catalog, staging, writer } = this.#rig.parts;
    const put = journal.of(this.#node).find(({ seq }) => journal.isClaimed(seq));
    const entry = catalog.get(this.#node);
    if (put?.staged === undefined || put.version === undefined || entry === undefined) return;
    const file = await staging.open(put.staged);
    const { hash, size } = await file.manifest(context);
    this.#rig.source.add(put.version, this.#sent.get(put.version) ?? Buffer.alloc(0));
    const { base: _base, staged: _staged, ...rest } = entry;
    const ops = [journal.remove(put.seq)];
    if (entry.staged === put.staged)
      ops.push(catalog.update({ ...rest, hash, remote: put.version, rev: entry.rev + 1 }));
    else
      ops.push(
        catalog.update({
          ...entry,
          base: { parent: entry.parent, name: entry.name, version: put.version, hash, rev: 1 },
        }),
      );
    await writer.write(ops);
    await staging.adopt(file, { hash, size, version: put.version }, []);
  }

  async #copy(): Promise<void> {
    const { drive } = this.#rig;
    const name = `${this.#name}-copy-${++this.#copies}`;
    const { id } = await drive.copy(this.#node, { parent: 'sync-root', name }, { replace: false }, context);
    if (!(await this.#read(id)).equals(this.#model)) throw new Error('the copy is not what the file was');
    await drive.unlink('sync-root', name, context);
  }

  async #check(): Promise<void> {
    const { size, id } = await this.#rig.drive.lookup('sync-root', this.#name, context);
    if (size !== this.#model.length) throw new Error(`size ${size} instead of ${this.#model.length}`);
    if (!(await this.#read(id)).equals(this.#model)) throw new Error('other bytes than were written');
  }

  async #read(id: string): Promise<Buffer> {
    const handle = await this.#rig.drive.open(id, { read: true, write: false }, context);
    const into = Buffer.alloc(10_000);
    const count = await handle.read(into, 0, context);
    await handle.close();
    return into.subarray(0, count);
  }
}
