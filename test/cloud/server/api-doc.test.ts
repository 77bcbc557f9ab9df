import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { STATUS } from '../../../src/cloud/server/refusal.ts';
import * as wire from '../../../src/cloud/http/wire.ts';

const root = join(import.meta.dirname, '../../..');
const doc = readFileSync(join(root, 'docs/api.md'), 'utf8');
const http = join(root, 'src/cloud/server/http');

t.test('exactly the existing routes are documented', async (t) => {
  const documented = [...doc.matchAll(/^### ([A-Z]+) (\/\S+)$/gm)].map(([, method, path]) => `${method} ${path}`);
  const code = readdirSync(http, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(http, file), 'utf8'));
  const routes = code.flatMap((text) => [
    ...[...text.matchAll(/\.(get|post|delete)(?:<[^(]*>)?\(\s*'(\/v1[^']*)'/g)].map(
      ([, method, path]) => `${method?.toUpperCase()} ${path}`,
    ),
    ...[...text.matchAll(/method: \[([^\]]*)\],\s*url: '([^']+)'/g)].flatMap(([, methods, path]) =>
      (methods ?? '').split(',').map((method) => `${method.trim().replaceAll("'", '')} ${path}`),
    ),
  ]);
  t.ok(routes.length > 20);
  t.same(documented.sort(), routes.sort());
});

t.test('examples match their schemas', async (t) => {
  const examples = [...doc.matchAll(/^```json(?: (\w+))?\n([\s\S]*?)^```$/gm)];
  t.ok(examples.length > 8);
  for (const [, name, text] of examples) {
    const value: unknown = JSON.parse(text ?? '');
    if (name === undefined) continue;
    const schema = (wire as unknown as Record<string, TSchema>)[name];
    t.ok(schema !== undefined && Compile(schema).Check(value), name);
  }
});

t.test('the table of codes is complete', async (t) => {
  for (const [code, status] of Object.entries(STATUS)) t.match(doc, new RegExp(`\\| \`${code}\` \\| ${status} \\|`));
});
