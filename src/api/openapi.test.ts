import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { openApiDocument } from './openapi.ts';
import { OPERATIONS } from './operations.ts';
import { metricsPage } from './metrics/metrics-page.ts';
import { adminApiPage } from './reference.ts';

const ROOT = new URL('../../..', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { readonly version: string };
const document = openApiDocument(version);

for (const [name, content] of [
  ['openapi.json', `${JSON.stringify(document, null, 2)}\n`],
  ['admin-api.md', adminApiPage()],
  ['metrics.md', metricsPage()],
]) {
  test(`docs/reference/${name} is what the tables make (EVENKEEL_WRITE_DOCS=1 writes it)`, () => {
    const file = new URL(`docs/reference/${name}`, ROOT);
    if (process.env['EVENKEEL_WRITE_DOCS'] === '1') writeFileSync(file, content);
    assert.equal(readFileSync(file, 'utf8'), content, 'run `npm run docs`');
  });
}

test('the document is one of OpenAPI 3.1, and everything that it refers to is there', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors));
  assert.equal(validator.version, '3.1');
  const text = JSON.stringify(document);
  const { schemas } = document['components'] as { readonly schemas: Readonly<Record<string, unknown>> };
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) assert.ok(name in schemas, name);
  for (const name of Object.keys(schemas))
    assert.ok(text.includes(`"#/components/schemas/${name}"`), `${name} is used`);
});

test('each parameter of a path is described, and each schema says what it is', () => {
  for (const [id, { path, params }] of Object.entries(OPERATIONS)) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    assert.deepEqual(named, Object.keys(params.shape), id);
  }
  const { schemas } = document['components'] as {
    readonly schemas: Readonly<Record<string, { description?: string }>>;
  };
  for (const [name, { description = '' }] of Object.entries(schemas)) assert.notEqual(description, '', name);
});
