import { Problem } from '../agent/problem.ts';

export async function ensureAccount(
  _dir: string,
  _account: { readonly email: string; readonly password: string },
): Promise<void> {
  throw new Problem('failure', 'this build has no cloud');
}
