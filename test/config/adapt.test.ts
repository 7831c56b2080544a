/**
 * The files beside this one and in the folders of the languages: a configuration, then after lines that begin with `---- `
 * what becomes of it. A configuration of several files, or in another language than YAML, has its files after lines
 * `==== NAME`, and what they include after lines `==== include NAME`.
 *
 *   ---- says         every diagnostic, one per line, complete and in order
 *   ---- plan         JSON: the plan has at least this; lists are as long as here
 *   ---- whole plan   JSON: the plan is exactly this
 *   ---- ha NODE      JSON: the plan of the virtual routers for this node has at least this
 *
 * The plan is for two workers. With EVENKEEL_UPDATE=1 what is said and whole plans are written into the files instead of
 * being compared: look at the difference before committing it.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { compile } from '../../src/config/compile/compile.ts';
import { compileHa, NO_KEY_FILES } from '../../src/config/compile/ha.ts';
import { formatDiagnostic, type SourceMap } from '../../src/config/findings/diagnostic.ts';
import type { Config } from '../../src/config/model/config.ts';
import type { Plan } from '../../src/config/plan/plan.ts';
import { loadYaml } from '../../src/config/yaml/load.ts';
import { writeYaml } from '../../src/config/yaml/write.ts';
import type { FileAccess, RootFile } from '../../src/config/front-end.ts';
import { frontEndFor } from '../../src/config/front-ends.ts';
import { loadDocuments } from '../../src/config/load.ts';
import { parseRoutes } from '../../src/config/plan/route-text.ts';

const FOLDER = new URL('../../../test/config/', import.meta.url);
const isUpdating = process.env['EVENKEEL_UPDATE'] === '1';

interface Section {
  readonly kind: string;
  text: string;
}

interface Outcome {
  readonly said: string;
  readonly plan: object | null;
  readonly config: Config | null;
  readonly source: SourceMap;
  /** Something is asked for that cannot be had. */
  readonly isRefused: boolean;
}

function outcomeOf(input: string): Outcome {
  const { roots, files } = filesOf(input);
  const context = { files, node: null };
  const documents = roots.map((root) => frontEndFor(root.text, null).read(root, context));
  const loaded = loadDocuments(documents, null);
  const plan = loaded.config === null ? null : compile(loaded.config, { workers: 2 });
  const { diagnostics } = loaded;
  const lines = diagnostics.map(formatDiagnostic);
  return {
    said: lines.map((line) => `${line}\n`).join(''),
    plan: plan === null ? null : withRoutes(plan),
    config: loaded.config,
    source: loaded.source,
    isRefused: diagnostics.some(({ severity }) => severity !== 'warning'),
  };
}

/** Each route as what it says. */
function withRoutes(plan: Plan): object {
  const listeners = plan.listeners.map((listener) =>
    Object.assign({}, listener, { routes: parseRoutes(listener.routes) }),
  );
  return { ...plan, listeners };
}

function filesOf(input: string): { readonly roots: readonly RootFile[]; readonly files: FileAccess } {
  const [first, ...others] = input.split(/^==== (.*)\n/m);
  const roots: RootFile[] = first === '' && others.length > 0 ? [] : [{ name: 'evenkeel.yaml', text: first }];
  const included = new Map<string, string>();
  for (let i = 0; i < others.length; i += 2) {
    const path = /^include (.*)/.exec(others[i])?.[1];
    if (path === undefined) roots.push({ name: others[i], text: others[i + 1] });
    else included.set(path, others[i + 1]);
  }
  const files: FileAccess = {
    read: (path) => {
      const text = included.get(path);
      return text === undefined ? { reason: 'there is no such file' } : { text };
    },
    glob: (pattern) => {
      const expression = new RegExp(`^${pattern.replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '[^/]*')}$`);
      return [...included.keys()].filter((path) => expression.test(path)).sort();
    },
  };
  return { roots, files };
}

function parse(content: string): { input: string; sections: Section[] } {
  const parts = content.split(/^---- (.*)\n/m);
  const sections: Section[] = [];
  for (let i = 1; i < parts.length; i += 2) sections.push({ kind: parts[i], text: parts[i + 1] });
  return { input: parts[0], sections };
}

/** What of `actual` stands at the places that `expected` has. */
function narrow(actual: unknown, expected: unknown): unknown {
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    return actual.map((item, i) => narrow(item, expected[i]));
  }
  const areMaps = [actual, expected].every((it) => typeof it === 'object' && it !== null && !Array.isArray(it));
  if (!areMaps) return actual;
  const source = actual as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(expected as object).map(([key, inside]) => [key, narrow(source[key], inside)]),
  );
}

function compare(section: Section, { said, plan, config }: Outcome): void {
  const node = /^ha (\S+)$/.exec(section.kind)?.[1];
  if (node !== undefined) {
    assert.ok(config !== null, said);
    const expected: unknown = JSON.parse(section.text);
    assert.deepEqual(narrow(compileHa(config, node, NO_KEY_FILES), expected), expected);
    return;
  }
  switch (section.kind) {
    case 'says':
      assert.equal(said, section.text);
      return;
    case 'plan': {
      const expected: unknown = JSON.parse(section.text);
      assert.deepEqual(narrow(plan, expected), expected, said);
      return;
    }
    case 'whole plan':
      assert.deepEqual(plan, JSON.parse(section.text), said);
      return;
    default:
      assert.fail(`no section is called ${section.kind}`);
  }
}

/** What `convert` prints is the same configuration. */
function convertsToItself({ config, source, isRefused }: Outcome): void {
  if (config === null || isRefused) return;
  const yaml = writeYaml(config, source, 'made by a test');
  const again = loadYaml(yaml, { file: 'converted.yaml' });
  assert.deepEqual(again.config, config, [yaml, ...again.diagnostics.map(formatDiagnostic)].join('\n'));
}

const names = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.txt'));
assert.ok(names.length > 10, 'the files are here');

for (const name of names) {
  test(`adapt ${name}`, () => {
    const file = new URL(name, FOLDER);
    const { input, sections } = parse(readFileSync(file, 'utf8'));
    const outcome = outcomeOf(input);
    assert.ok(sections.length > 0, 'something is expected');
    if (isUpdating) {
      for (const section of sections) {
        if (section.kind === 'says') section.text = outcome.said;
        if (section.kind === 'whole plan') section.text = `${JSON.stringify(outcome.plan, null, 2)}\n`;
      }
      writeFileSync(file, input + sections.map(({ kind, text }) => `---- ${kind}\n${text}`).join(''));
      return;
    }
    for (const section of sections) compare(section, outcome);
    convertsToItself(outcome);
  });
}
