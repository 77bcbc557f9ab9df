import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Layout } from '../../src/fuse/wire/layout.ts';
import * as wire from '../../src/fuse/wire/structs.ts';

type Any = Layout<Record<string, 'u32'>>;

/** Struct of `<linux/fuse.h>` → our layout, and the number of bytes of the C struct that belong to another layout. */
const structs: Record<string, readonly [layout: unknown, rest?: number]> = {
  fuse_in_header: [wire.InHeader],
  fuse_out_header: [wire.OutHeader],
  fuse_init_in: [wire.InitIn, 48],
  fuse_init_out: [wire.InitOut],
  fuse_attr: [wire.Attr],
  fuse_entry_out: [wire.EntryOut, 88],
  fuse_attr_out: [wire.AttrOut, 88],
  fuse_forget_in: [wire.ForgetIn],
  fuse_batch_forget_in: [wire.BatchForgetIn],
  fuse_forget_one: [wire.ForgetOne],
  fuse_access_in: [wire.AccessIn],
  fuse_getattr_in: [wire.GetattrIn],
  fuse_setattr_in: [wire.SetattrIn],
  fuse_mknod_in: [wire.MknodIn],
  fuse_mkdir_in: [wire.MkdirIn],
  fuse_rename_in: [wire.RenameIn],
  fuse_rename2_in: [wire.Rename2In],
  fuse_open_in: [wire.OpenIn],
  fuse_create_in: [wire.CreateIn],
  fuse_open_out: [wire.OpenOut],
  fuse_release_in: [wire.ReleaseIn],
  fuse_read_in: [wire.ReadIn],
  fuse_write_in: [wire.WriteIn],
  fuse_write_out: [wire.WriteOut],
  fuse_fsync_in: [wire.FsyncIn],
  fuse_statfs_out: [wire.StatfsOut],
  fuse_setxattr_in: [wire.SetxattrIn, 8],
  fuse_getxattr_in: [wire.GetxattrIn],
  fuse_getxattr_out: [wire.GetxattrOut],
  fuse_interrupt_in: [wire.InterruptIn],
  fuse_fallocate_in: [wire.FallocateIn],
  fuse_copy_file_range_in: [wire.CopyFileRangeIn],
  fuse_dirent: [wire.Dirent],
  fuse_notify_inval_inode_out: [wire.InvalInodeOut],
  fuse_notify_inval_entry_out: [wire.InvalEntryOut],
};

/** Sizes of structs that are newer than Debian's header. */
const newer: Record<string, readonly [unknown, number]> = {
  fuse_statx_in: [wire.StatxIn, 24],
  fuse_statx_out: [wire.StatxOut, 32],
  fuse_statx: [wire.Statx, 64],
  fuse_sx_time: [wire.StatxTime, 16],
  fuse_copy_file_range_out: [wire.CopyFileRangeOut, 8],
  fuse_notify_prune_out: [wire.PruneOut, 16],
};

t.test('encoded values are decoded again', async (t) => {
  for (const [name, [layout]] of Object.entries({ ...structs, ...newer })) {
    const values = numbered(layout as Any);
    const buffer = Buffer.alloc((layout as Any).size + 3);
    (layout as Any).encode(values, buffer, 3);
    t.strictSame((layout as Any).decode(buffer, 3), values, name);
  }
});

t.test('integers of 64 bits: large and negative ones', async (t) => {
  const buffer = Buffer.alloc(24);
  for (const off of [-1, -1.5e15 - 1, 2 ** 53 - 1, -(2 ** 32), -(2 ** 32) - 1, 2 ** 32, 0]) {
    wire.InvalInodeOut.encode({ ino: 2 ** 53 - 1, off, len: -1 }, buffer, 0);
    t.strictSame(wire.InvalInodeOut.decode(buffer, 0), { ino: 2 ** 53 - 1, off, len: -1 });
    t.equal(buffer.readBigInt64LE(8), BigInt(off));
  }
});

t.test('sizes newer than the header', async (t) => {
  for (const [name, [layout, size]] of Object.entries(newer)) t.equal((layout as Any).size, size, name);
  t.equal(wire.Statx.size + 4 * wire.StatxTime.size + wire.STATX_TAIL, 256);
});

/** The bytes of `fuse_statx`, by the layout in the kernel's documentation. */
t.test('expected bytes of structs that are newer than the header', async (t) => {
  const golden: Record<string, string> = {
    fuse_statx_in: '0100000002000000 0300000000000000 0400000005000000',
    fuse_statx_out: '0100000000000000 0200000003000000 0400000000000000 0500000000000000',
    fuse_statx:
      '0100000002000000 0300000000000000 0400000005000000 0600000007000800 ' +
      '0900000000000000 0a00000000000000 0b00000000000000 0c00000000000000',
    fuse_sx_time: '0100000000000000 0200000003000000',
    fuse_copy_file_range_out: '0100000000000000',
    fuse_notify_prune_out: '0100000002000000 0300000000000000',
  };
  for (const [name, [layout]] of Object.entries(newer)) t.equal(bytesOf(layout as Any), golden[name], name);
});

const header = '/usr/include/linux/fuse.h';

t.test(
  'sizes and offsets are those of <linux/fuse.h>',
  { skip: !existsSync(header) && 'no linux-libc-dev' },
  async (t) => {
    const lines = Object.entries(structs).map(([name, [layout]]) => {
      const fields = Object.keys(numbered(layout as Any)).map((field) => cName(name, field));
      const offsets = fields.map((field) => (field === undefined ? '-1' : `(int)offsetof(struct ${name}, ${field})`));
      return `show("${name}", sizeof(struct ${name}), ${offsets.length}, (int[]){${offsets.join(', ')}});`;
    });
    for (const line of compileAndRun(t, lines)) {
      const [name = '', size, ...offsets] = line.split(' ');
      const [layout, rest = 0] = structs[name] ?? [];
      t.equal((layout as Any).size + rest, Number(size), name);
      for (const [index, [field, offset]] of offsetsOf(layout as Any).entries()) {
        if (offsets[index] !== '-1') t.equal(offset, Number(offsets[index]), `${name}.${field}`);
      }
    }
  },
);

/** Names that differ from the header's in more than their style; names of padding are not compared. */
const others: Record<string, string> = {
  'fuse_getattr_in.flags': 'getattr_flags',
  'fuse_open_out.backingId': 'padding',
};

function cName(struct: string, field: string): string | undefined {
  const other = others[`${struct}.${field}`];
  if (other !== undefined) return other;
  if (/^(padding|dummy|unused|spare|maxStackDepth)/.test(field)) return undefined;
  const snake = field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return struct === 'fuse_statfs_out' ? `st.${snake}` : snake;
}

function compileAndRun(t: { teardown(run: () => void): void }, lines: readonly string[]): string[] {
  const dir = mkdtempSync(join(tmpdir(), 'fjord-structs-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const show =
    'void show(const char *n, int s, int c, int *o) { printf("%s %d", n, s); while (c--) printf(" %d", *o++); puts(""); }';
  const source = `#include <stdio.h>\n#include <stddef.h>\n#include <linux/fuse.h>\n${show}\nint main(void) { ${lines.join('\n')} }\n`;
  writeFileSync(join(dir, 'structs.c'), source);
  execFileSync('cc', ['-o', join(dir, 'structs'), join(dir, 'structs.c')]);
  return execFileSync(join(dir, 'structs'), { encoding: 'utf8' }).trim().split('\n');
}

/** The position of a value with all bits set. */
function offsetsOf(layout: Any): [field: string, offset: number][] {
  return Object.keys(numbered(layout)).map((field) => {
    const buffer = Buffer.alloc(layout.size);
    layout.encode({ [field]: 1 }, buffer, 0);
    return [field, buffer.indexOf(1)];
  });
}

function numbered(layout: Any): Record<string, number> {
  const names = Object.keys(layout.decode(Buffer.alloc(layout.size), 0));
  return Object.fromEntries(names.map((name, index) => [name, index + 1]));
}

function bytesOf(layout: Any): string {
  const buffer = Buffer.alloc(layout.size);
  layout.encode(numbered(layout), buffer, 0);
  return buffer.toString('hex').replaceAll(/(.{16})(?=.)/g, '$1 ');
}
