import type { SpaceState } from '../../cache/tree/catalog.ts';
import type { AccessTable, Operation, Policy, Verdict } from './policy.ts';
import { mirror, twoWay } from './reconcile.ts';

/** The configurable differences between policies. */
export interface PolicyOptions {
  /** How long an Archive file must have been released before it is sealed, ms. */
  readonly settle: number;
  /** Whether sealed files of Archive can be read through the drive. */
  readonly readable: boolean;
}

type Row = Readonly<Record<Operation, Verdict>>;

/** The policies of the drive: of the folders between the spaces, and of each kind of space. */
export interface Policies {
  readonly branch: Policy;
  readonly sync: Policy;
  readonly shared: Policy;
  /** Of a shared space that this account may only read. */
  readonly viewed: Policy;
  readonly backup: Policy;
  readonly archive: Policy;
}

const all: Row = {
  list: 'yes',
  read: 'yes',
  add: 'yes',
  replace: 'yes',
  write: 'yes',
  rename: 'yes',
  remove: 'yes',
  attr: 'yes',
};

const look = { list: 'yes', read: 'yes' } as const;

/** A row that refuses every change with one reason. */
function readOnly(reason: string): Row {
  const no: Verdict = { code: 'EROFS', reason };
  return { ...look, add: no, replace: no, write: no, rename: no, remove: no, attr: no };
}

function sealed(readable: boolean): Row {
  const no = (what: string): Verdict => ({ code: 'EPERM', reason: `the Archive keeps its files: ${what}` });
  const read: Verdict = { code: 'EACCES', reason: 'sealed files in the Archive can only be read with `fjord get`' };
  return {
    list: 'yes',
    read: readable ? 'yes' : read,
    add: 'yes',
    replace: 'yes',
    write: no('a sealed file can only be replaced as a whole'),
    rename: no('a sealed file cannot be renamed'),
    remove: no('a sealed file can only be deleted with `fjord archive rm`'),
    attr: no('times, mode and attributes of a sealed file cannot be changed'),
  };
}

/** The new content may still be worked on; the node stays. */
function renewed(row: Row): Row {
  return { ...row, read: 'yes', write: 'yes', attr: 'yes' };
}

/** The same row in every state. */
function always(row: Row): AccessTable {
  return { open: row, settling: row, sealed: row, renewed: row };
}

export function policies({ settle, readable }: PolicyOptions): Policies {
  const kept = sealed(readable);
  const open = { sealing: false, settle: 0, uploaded: 'cache', crossing: false } as const;
  return {
    branch: {
      ...open,
      access: always(readOnly('the folders at the top of the drive cannot be changed')),
      rules: mirror,
      heals: false,
      versions: false,
    },
    sync: { ...open, access: always(all), rules: twoWay, heals: true, crossing: true, versions: true },
    shared: { ...open, access: always(all), rules: twoWay, heals: true, crossing: true, versions: true },
    viewed: {
      ...open,
      access: always(readOnly('the folder is shared with this account for reading only')),
      rules: mirror,
      heals: false,
      // That something may leave it is refused as any other change of it.
      crossing: true,
      versions: true,
    },
    backup: {
      ...open,
      access: always(readOnly('a backup is read-only; copy the file elsewhere to change it')),
      rules: mirror,
      heals: false,
      versions: true,
    },
    archive: {
      access: { open: all, settling: all, sealed: kept, renewed: renewed(kept) },
      rules: twoWay,
      sealing: true,
      settle,
      uploaded: 'drop',
      heals: true,
      crossing: false,
      versions: false,
    },
  };
}

/** The policy of a space; without one, of the folders between them. */
export function policyFor(policies: Policies, space: SpaceState | undefined): Policy {
  if (space === undefined) return policies.branch;
  return space.kind === 'shared' && !space.writable ? policies.viewed : policies[space.kind];
}
