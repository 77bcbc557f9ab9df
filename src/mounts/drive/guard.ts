import { innerSpace, type Entry } from '../../cache/tree/entry.ts';
import type { Awaitable, Context } from '../../vfs/context.ts';
import type {
  CopyOptions,
  Draft,
  FileHandle,
  FileSystem,
  OpenMode,
  Page,
  PageRequest,
  Place,
  RenameFlags,
} from '../../vfs/file-system.ts';
import { ForwardingFileSystem } from '../../vfs/forwarding-file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr, AttrChanges, Kind, NewAttr, NodeId } from '../../vfs/node.ts';
import { NEW_NAME, OTHER_MOUNT, type Operation, type Policy } from '../policy/policy.ts';
import { mirror, twoWay } from '../policy/reconcile.ts';
import type { PolicyState } from './policy-state.ts';

/**
 * Enforces the policies. The name of a node is governed by the policy of its folder, its content and attributes by its
 * own. That something does not exist is reported by the file system below.
 */
export class Guard extends ForwardingFileSystem {
  readonly #policyState: PolicyState;

  constructor(fs: FileSystem, policyState: PolicyState) {
    super(fs);
    this.#policyState = policyState;
  }

  override setattr(node: NodeId, changes: AttrChanges, context: Context): Awaitable<Attr> {
    const { size, ...others } = changes;
    if (size !== undefined) this.#check(node, size === 0 ? 'replace' : 'write', 'truncate');
    // Truncated to nothing, the file begins a new version, whose attributes are free.
    const begins = size === 0 && this.#policyState.entry(node)?.size !== 0;
    if (!begins && Object.keys(others).length > 0) this.#check(node, 'attr', 'setattr');
    return super.setattr(node, changes, context);
  }

  override readdir(folder: NodeId, page: PageRequest, context: Context): Awaitable<Page> {
    this.#check(folder, 'list', 'readdir');
    return super.readdir(folder, page, context);
  }

  override mkdir(folder: NodeId, name: string, attr: NewAttr, context: Context): Awaitable<Attr> {
    this.#checkAdd({ parent: folder, name }, 'mkdir');
    return super.mkdir(folder, name, attr, context);
  }

  override symlink(folder: NodeId, name: string, target: string, context: Context): Awaitable<Attr> {
    this.#checkAdd({ parent: folder, name }, 'symlink');
    return super.symlink(folder, name, target, context);
  }

  override create(
    folder: NodeId,
    name: string,
    attr: NewAttr,
    mode: OpenMode,
    context: Context,
  ): Awaitable<FileHandle> {
    this.#checkAdd({ parent: folder, name }, 'create');
    return super.create(folder, name, attr, mode, context);
  }

  override open(file: NodeId, mode: OpenMode, context: Context): Awaitable<FileHandle> {
    if (mode.truncate === true) this.#check(file, 'replace', 'open');
    else {
      // Opening for writing reports that writing is refused, even where reading is refused as well.
      if (mode.write) this.#check(file, 'write', 'open');
      if (mode.read) this.#check(file, 'read', 'open');
    }
    return super.open(file, mode, context);
  }

  override draft(folder: NodeId, name: string, attr: NewAttr, context: Context): Awaitable<Draft> {
    this.#checkFill({ parent: folder, name }, 'draft');
    return super.draft(folder, name, attr, context);
  }

  override unlink(folder: NodeId, name: string, context: Context): Awaitable<void> {
    this.#checkName({ parent: folder, name }, 'remove', 'unlink');
    return super.unlink(folder, name, context);
  }

  override rmdir(folder: NodeId, name: string, context: Context): Awaitable<void> {
    this.#checkName({ parent: folder, name }, 'remove', 'rmdir');
    return super.rmdir(folder, name, context);
  }

  override removeTree(folder: NodeId, name: string, context: Context): Awaitable<void> {
    this.#checkName({ parent: folder, name }, 'remove', 'removeTree');
    return super.removeTree(folder, name, context);
  }

  override rename(from: Place, to: Place, flags: RenameFlags, context: Context): Awaitable<Attr> {
    const source = this.#policyState.entry(from.parent);
    const target = this.#policyState.entry(to.parent);
    if (source !== undefined && target !== undefined) this.#checkRename(source, from, target, to, flags);
    return super.rename(from, to, flags, context);
  }

  override copy(node: NodeId, to: Place, options: CopyOptions, context: Context): Awaitable<Attr> {
    const entry = this.#policyState.entry(node);
    if (entry?.kind === 'file') this.#check(node, 'read', 'copy');
    if (entry?.kind === 'folder' && options.member !== true) {
      this.#checkNewName(entry, { ...to, name: options.finalName ?? to.name });
    }
    this.#checkFill(to, 'copy', entry?.kind);
    return super.copy(node, to, options, context);
  }

  #checkRename(source: Entry, from: Place, target: Entry, to: Place, flags: RenameFlags): void {
    const node = this.#policyState.child(source, from.name);
    if (innerSpace(source) !== innerSpace(target) && node !== undefined && !this.#isCrossing(source, target)) {
      throw new FsError('EXDEV', 'rename', { subject: from.name, reason: OTHER_MOUNT });
    }
    this.#checkName(from, 'rename', 'rename');
    this.#checkAdd(to, 'rename');
    const other = this.#policyState.child(target, to.name);
    if (node === undefined || other === undefined || other.id === node.id) return;
    const policy = this.#policyState.policyIn(target);
    if (flags.exchange === true && policy.sealing) {
      throw new FsError('ENOTSUP', 'rename', {
        subject: from.name,
        reason: 'this folder does not support exchanging names',
      });
    }
    if (flags.exchange === true || flags.noReplace === true) return;
    const isFile = node.kind === 'file' && other.kind === 'file';
    this.#verdict(policy, other, isFile ? 'replace' : 'remove', 'rename');
  }

  /** Between Sync and what is shared in it, nodes are moved by renaming. */
  #isCrossing(source: Entry, target: Entry): boolean {
    return [source, target].every((folder) => this.#policyState.policyIn(folder).crossing);
  }

  /** A folder of a mirror is followed by one computer, and becomes another folder where all computers follow it. */
  #checkNewName(folder: Entry, to: Place): void {
    const target = this.#policyState.entry(to.parent);
    if (target === undefined || folder.name !== to.name) return;
    const { rules, sealing } = this.#policyState.policyIn(target);
    if (this.#policyState.policy(folder).rules !== mirror || rules !== twoWay || sealing) return;
    throw new FsError('EPERM', 'copy', { subject: to.name, reason: NEW_NAME });
  }

  /** A new name in a folder. */
  #checkAdd({ parent: folder }: Place, op: string): void {
    const entry = this.#policyState.entry(folder);
    if (entry?.kind === 'folder') this.#verdict(this.#policyState.policyIn(entry), entry, 'add', op);
  }

  /** A node of this kind gets a name, new or not. */
  #checkFill({ parent: folder, name }: Place, op: string, kind: Kind = 'file'): void {
    this.#checkAdd({ parent: folder, name }, op);
    const parent = this.#policyState.entry(folder);
    const old = parent === undefined ? undefined : this.#policyState.child(parent, name);
    if (parent !== undefined && old !== undefined && old.kind !== 'folder') {
      // Anything but a file cannot be a version of one.
      const isVersion = kind === 'file' && old.kind === 'file';
      this.#verdict(this.#policyState.policyIn(parent), old, isVersion ? 'replace' : 'remove', op);
    }
  }

  /** What happens to a name: the folder's policy decides, in the node's state. */
  #checkName({ parent: folder, name }: Place, operation: Operation, op: string): void {
    const parent = this.#policyState.entry(folder);
    const node = parent === undefined ? undefined : this.#policyState.child(parent, name);
    if (parent !== undefined && node !== undefined) {
      this.#verdict(this.#policyState.policyIn(parent), node, operation, op);
    }
  }

  #check(node: NodeId, operation: Operation, op: string): void {
    const entry = this.#policyState.entry(node);
    if (entry !== undefined) this.#verdict(this.#policyState.policy(entry), entry, operation, op);
  }

  #verdict(policy: Policy, entry: Entry, operation: Operation, op: string): void {
    const verdict = policy.access[policy.sealing ? this.#policyState.state(entry) : 'open'][operation];
    if (verdict !== 'yes') throw new FsError(verdict.code, op, { subject: entry.name, reason: verdict.reason });
  }
}
