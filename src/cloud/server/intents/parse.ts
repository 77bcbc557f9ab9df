import { Compile } from 'typebox/compile';
import { AttrSchema, MkdirSchema, MoveSchema, PutSchema, RemoveSchema, SymlinkSchema } from '../../http/wire.ts';
import type { Intent, IntentOp } from '../../records.ts';
import { checkNodeName } from '../meta/names.ts';
import { Refusal } from '../refusal.ts';

interface Checker {
  Check(value: unknown): boolean;
  Errors(value: unknown): { instancePath: string; message: string }[];
}

const checkers: Readonly<Record<IntentOp, Checker>> = {
  mkdir: Compile(MkdirSchema),
  symlink: Compile(SymlinkSchema),
  put: Compile(PutSchema),
  move: Compile(MoveSchema),
  attr: Compile(AttrSchema),
  remove: Compile(RemoveSchema),
};

/**
 * Parses one intent. Each is validated by itself, so that a malformed one does not fail the rest of its batch.
 * @throws bad_request, name_invalid
 */
export function parseIntent(value: unknown): Intent {
  if (typeof value !== 'object' || value === null) throw new Refusal('bad_request', 'an intent must be an object');
  const { op, name } = value as { op?: unknown; name?: unknown };
  if (typeof op !== 'string' || !Object.hasOwn(checkers, op)) throw new Refusal('bad_request', 'unknown op');
  if (typeof name === 'string') checkNodeName(name);
  const checker = checkers[op as IntentOp];
  if (checker.Check(value)) return value as Intent;
  const [first] = checker.Errors(value);
  throw new Refusal('bad_request', `${op}${first?.instancePath ?? ''} ${first?.message ?? 'is malformed'}`);
}
