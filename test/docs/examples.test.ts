/**
 * Every YAML example in the documentation is right. A block marked `yaml` is a whole file; `yaml fragment=listeners` is what
 * stands below that key, and what a fragment leaves out (other parts of the file) is not missed.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatDiagnostic } from '../../src/config/findings/diagnostic.ts';
import type { Code } from '../../src/config/findings/catalogue.ts';
import { keepalivedFrontEnd } from '../../src/config/keepalived/front-end.ts';
import { loadDocuments } from '../../src/config/load.ts';
import { loadYaml } from '../../src/config/yaml/load.ts';
import { writeYaml } from '../../src/config/yaml/write.ts';

const ROOT = new URL('../../..', import.meta.url);

/** What a fragment stands in: lines before it, and how far it is indented. */
const FRAME: Readonly<Record<string, { readonly before: string; readonly indent: number }>> = {
  file: { before: '', indent: 0 },
  listeners: { before: 'listeners:\n', indent: 2 },
  upstreams: { before: 'upstreams:\n', indent: 2 },
  ha: { before: 'listeners:\n  web: { bind: "*:80", routes: [ { respond: {} } ] }\nha:\n', indent: 2 },
  listener: { before: 'listeners:\n  web:\n    bind: "*:80"\n', indent: 4 },
  routes: { before: 'listeners:\n  web:\n    bind: "*:80"\n    routes:\n', indent: 6 },
  route: { before: 'listeners:\n  web:\n    bind: "*:80"\n    routes:\n      -\n', indent: 8 },
  upstream: { before: 'upstreams:\n  web:\n', indent: 4 },
};

const NOT_MISSED: ReadonlySet<Code> = new Set<Code>([
  'acme-challenge',
  'missing-key',
  'needs-one',
  'undefined-upstream',
  'unused-upstream',
]);

interface Block {
  readonly page: string;
  readonly line: number;
  /** Null: a whole file. */
  readonly fragment: string | null;
  readonly text: string;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(new URL(page, ROOT), 'utf8');
  return [...text.matchAll(/^```yaml([^\n]*)\n([^]*?)^```/gm)].map((match) => {
    const fragment = /\bfragment(?:=(\S+))?/.exec(match[1]);
    return {
      page,
      line: text.slice(0, match.index).split('\n').length + 1,
      fragment: fragment === null ? null : (fragment[1] ?? 'file'),
      text: match[2],
    };
  });
}

function check({ page, line, fragment, text }: Block): void {
  let source = text;
  let lineOffset = line - 1;
  if (fragment !== null) {
    const frame = FRAME[fragment];
    assert.ok(frame !== undefined, `${page}:${line}: fragment=${fragment}; possible: ${Object.keys(FRAME).join(', ')}`);
    source = frame.before + text.replace(/^(?=.)/gm, ' '.repeat(frame.indent));
    lineOffset -= frame.before.split('\n').length - 1;
  }
  const said = loadYaml(source, { file: page })
    .diagnostics.filter(({ code }) => fragment === null || !NOT_MISSED.has(code))
    .map((one) => formatDiagnostic({ ...one, line: one.line + lineOffset }));
  assert.deepEqual(said, []);
}

const pages = [
  'README.md',
  ...readdirSync(new URL('docs/', ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .sort(),
];

let count = 0;
for (const block of pages.flatMap(blocksOf)) {
  count++;
  test(`the example at ${block.page}:${block.line} passes the checker without a warning`, () => {
    check(block);
  });
}

for (const name of readdirSync(new URL('examples/', ROOT)).filter((each) => each.endsWith('.yaml'))) {
  test(`examples/${name} passes the checker without a warning`, () => {
    check({ page: name, line: 1, fragment: null, text: readFileSync(new URL(`examples/${name}`, ROOT), 'utf8') });
  });
}

test('there are examples', () => {
  assert.ok(count > 5);
});

test('the keepalived.conf of the page is the YAML that follows it', () => {
  const page = readFileSync(new URL('docs/coming-from-keepalived.md', ROOT), 'utf8');
  const [, text, yaml] = /^```keepalived\n([^]*?)^```[^]*?^```yaml\n([^]*?)^```/m.exec(page)!;
  const files = {
    read: () => ({ reason: 'none' }),
    glob: (path: string) => (path === '/usr/bin/killall' ? [path] : []),
  };
  const document = keepalivedFrontEnd.read({ name: 'keepalived.conf', text }, { files, node: 'lb01' });
  const { config, source, diagnostics } = loadDocuments([document], 'lb01');
  assert.deepEqual(diagnostics, []);
  assert.equal(writeYaml(config!, source, '').replace(/^#.*\n\n/, ''), yaml);
});
