import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import type { JsonSchema } from './json-schema.ts';
import { annotatedSchema, publicSchema } from './json-schema.ts';

const example: unknown = parse(readFileSync(new URL('../../../../examples/evenkeel.yaml', import.meta.url), 'utf8'));
const validate = new Ajv2020({ strict: true, strictTypes: false, allErrors: true }).compile(publicSchema());

/** A copy of the example with one value replaced. */
function exampleWith(value: unknown, ...path: string[]): unknown {
  const copy = structuredClone(example);
  let at = copy as Record<string, unknown>;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string, unknown>;
  at[path[path.length - 1]] = value;
  return copy;
}

test('the JSON Schema is valid under draft 2020-12 and accepts the example', () => {
  assert.equal(publicSchema()['$schema' as keyof JsonSchema], 'https://json-schema.org/draft/2020-12/schema');
  assert.ok(validate(example), JSON.stringify(validate.errors));
});

test('the JSON Schema refuses what the checker refuses, where shape alone tells', () => {
  const wrong: unknown[] = [
    exampleWith('soon', 'grace'),
    exampleWith('10', 'listeners', 'web', 'timeouts', 'head'),
    exampleWith('16KB', 'listeners', 'web', 'limits', 'head'),
    exampleWith(0, 'listeners', 'web', 'limits', 'connections'),
    exampleWith('htp', 'listeners', 'web', 'protocol'),
    exampleWith([], 'listeners', 'web', 'routes'),
    exampleWith(1, 'listeners', 'web', 'unknown'),
    exampleWith({}, 'listeners', 'no name!'),
    exampleWith(['192.0.2.1:80', { weight: 1 }], 'upstreams', 'web', 'servers'),
    exampleWith(300, 'ha', 'VI_1', 'router-id'),
  ];
  for (const document of wrong) assert.equal(validate(document), false, JSON.stringify(document));
});

test('our own keywords are not in the public schema', () => {
  assert.doesNotMatch(JSON.stringify(publicSchema()), /"(range|perNode)":/);
});

test('every key has a description, and every default is right by its own schema', () => {
  let keys = 0;
  const ajv = new Ajv2020({ strict: false });
  visit(annotatedSchema(), '', (key, schema) => {
    keys++;
    assert.ok((schema.description ?? '').length > 5, `${key} has no description`);
    assert.doesNotMatch(schema.description ?? '', /\n/);
    if (schema.default === undefined) return;
    const { range: _range, perNode: _perNode, ...plain } = schema;
    const check = ajv.compile(plain);
    assert.ok(check(schema.default), `${key}: default ${JSON.stringify(schema.default)}`);
  });
  assert.ok(keys > 100, `${keys} keys`);
});

function visit(schema: JsonSchema, path: string, each: (key: string, schema: JsonSchema) => void): void {
  for (const [key, inside] of Object.entries(schema.properties ?? {})) {
    each(`${path}.${key}`, inside);
    visit(inside, `${path}.${key}`, each);
  }
  if (typeof schema.additionalProperties === 'object') visit(schema.additionalProperties, `${path}.*`, each);
  if (schema.items !== undefined) visit(schema.items, `${path}[]`, each);
  for (const option of schema.anyOf ?? []) visit(option, path, each);
}
