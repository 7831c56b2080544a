/** Whatever a file says, the checker comes to an end, and every error has a place in the file and something to write instead. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { compile } from '../../src/config/compile/compile.ts';
import { CATALOGUE } from '../../src/config/findings/catalogue.ts';
import { loadYaml } from '../../src/config/yaml/load.ts';

const FOLDER = new URL('../../../test/config/', import.meta.url);
const inputs = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.txt'))
  .map((name) => readFileSync(new URL(name, FOLDER), 'utf8').split(/^---- /m)[0]);
const example = inputs.reduce((longest, input) => (input.length > longest.length ? input : longest));

function checkInvariants(text: string): void {
  const { config, diagnostics } = loadYaml(text, { file: 'f.yaml' });
  const lines = text.split(/\r\n|\n|\r/);
  for (const one of diagnostics) {
    assert.equal(one.file, 'f.yaml');
    assert.ok(one.line >= 1 && one.line <= lines.length, `line ${one.line} of ${lines.length}`);
    assert.ok(one.column >= 1, `column ${one.column}`);
    assert.ok(one.message !== '' && one.remedy !== '' && one.code in CATALOGUE);
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    assert.doesNotMatch(one.message + one.remedy, /undefined|\[object|[\u0000-\u001f]/);
  }
  const errors = diagnostics.filter((one) => one.severity === 'error');
  assert.equal(config === null, errors.length > 0, 'right, or wrong and said why');
  if (config === null) return;
  const plan = compile(config, { workers: 3 });
  assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan, 'a plan is plain JSON');
  assert.deepEqual(JSON.parse(JSON.stringify(config)), config, 'a configuration is plain JSON');
}

const snippet = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom(
    '\n',
    '  ',
    '\t',
    ':',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '*',
    '&a ',
    '*a',
    '!x ',
    '|',
    '>',
    '#',
    '%',
  ),
  fc.constantFrom(
    '<<: ',
    '---\n',
    '? ',
    '\r',
    'null',
    'true',
    '-1',
    '1e999',
    '.nan',
    '0',
    '__proto__',
    'constructor: ',
  ),
);

test('a text with pieces inserted, replaced and removed never throws, and every error has a place', () => {
  const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), removed: fc.nat({ max: 40 }), snippet });
  fc.assert(
    fc.property(fc.constantFrom(...inputs), fc.array(edit, { minLength: 1, maxLength: 4 }), (input, edits) => {
      let text = input;
      for (const { at, removed, snippet } of edits) {
        const offset = Math.floor(at * text.length);
        text = text.slice(0, offset) + snippet + text.slice(offset + removed);
      }
      checkInvariants(text);
    }),
    { numRuns: 400 },
  );
});

test('a text whose lines are moved, doubled and left out never throws, and every error has a place', () => {
  const lines = example.split('\n');
  fc.assert(
    fc.property(fc.array(fc.nat({ max: lines.length - 1 }), { maxLength: 40 }), fc.nat(lines.length), (picks, cut) => {
      checkInvariants([...lines.slice(0, cut), ...picks.map((pick) => lines[pick])].join('\n'));
    }),
    { numRuns: 150 },
  );
});

test('a document with any value in any place never throws, and every error has a place', () => {
  const document: unknown = parse(example);
  const paths = pathsOf(document);
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('10s', '16KiB', '*:80', 'web', '/a', 'hash', 'tcp', 'udp', 429, 3, true),
    fc.constantFrom(
      { exact: '/a' },
      { tcp: true },
      { lb01: 1 },
      { regex: '(' },
      ['192.0.2.1:80'],
      [{ upstream: 'api' }],
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...paths), value), { minLength: 1, maxLength: 3 }), (edits) => {
      const copy = structuredClone(document);
      for (const [path, replacement] of edits) put(copy, path, structuredClone(replacement));
      checkInvariants(stringify(copy));
    }),
    { numRuns: 400 },
  );
});

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inside = Object.entries(value).flatMap(([key, part]) =>
    pathsOf(part, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? inside : [path, ...inside];
}

/** An earlier edit may have taken the place away. */
function put(document: unknown, path: Path, value: unknown): void {
  let at = document;
  for (const step of path.slice(0, -1)) {
    if (typeof at !== 'object' || at === null) return;
    at = (at as Record<string | number, unknown>)[step];
  }
  if (typeof at === 'object' && at !== null) (at as Record<string | number, unknown>)[path[path.length - 1]] = value;
}

test('more servers than the status board has room for are an error, as are more listeners than a proxy can serve', () => {
  const servers = Array.from({ length: 1025 }, (_, i) => `s${i}.example:80`);
  const routes = [{ respond: {} }];
  const listeners = Object.fromEntries(
    Array.from({ length: 1025 }, (_, i) => [`l${i}`, { bind: `127.0.0.1:${i + 1}`, routes }]),
  );
  listeners['web'] = { bind: '*:9000', routes: [{ upstream: 'web' }] } as never;
  const { diagnostics } = loadYaml(JSON.stringify({ listeners, upstreams: { web: { servers } } }), { file: 'f' });
  assert.deepEqual(
    diagnostics.map(({ code, message }) => `${code}: ${message}`),
    [
      'too-many: there are 1026 listeners, but the limit is 1024',
      'too-many: there are 16400 addresses of servers (a name counts for 16), but the limit is 16384',
    ],
  );
});

test('every code of the catalogue is in some file of this folder', () => {
  const said = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.txt'))
    .map((name) => readFileSync(new URL(name, FOLDER), 'utf8'))
    .join('');
  const unsaid = Object.keys(CATALOGUE).filter((code) => !said.includes(`[${code}]`));
  // These are about the machine: test/check.test.ts, src/load/tls.
  assert.deepEqual(unsaid, [
    'no-files-user',
    'no-such-root',
    'server-not-near',
    'not-forwarding',
    'adverts-exceed-mtu',
    'user-file',
    'network-list',
    'token-keys',
    'bad-token-key',
    'bad-hash',
    'key-file',
    'bad-certificate',
    'bad-private-key',
    'key-mismatch',
    'open-private-key',
    'certificate-expired',
    'certificate-not-yet-valid',
    'certificate-chain',
    'certificate-name-taken',
    'certificate-without-names',
    'must-staple',
    'bad-ocsp',
    'bad-client-authority',
    'client-authority',
    'client-policies-differ',
    'bad-acme-file',
    'bad-ticket-file',
    'open-ticket-file',
    'bad-authority',
    'authority-expired',
    'bad-revocations',
    'revocations-expired',
    'bad-tls-setting',
    'missing-rights',
    'cannot-listen',
    'cannot-open-log',
    'set-by-api',
    'takes-restart',
    'no-room-for-workers',
    'cannot-listen-now',
    'nothing-to-listen-on',
    'foreign-address',
    'foreign-kernel-address',
    'unresolved-name',
    'no-such-source',
    'no-such-advert-source',
    'no-interface',
    'no-announce-interface',
    'announce-interface-with-neighbours',
    'no-answer-of-bird',
    'no-bgp-session',
    'bad-program',
    'bad-proxy-user',
    'bad-user',
  ]);
});
