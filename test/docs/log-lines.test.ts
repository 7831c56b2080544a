/** The troubleshooting page explains what the keeper, the commands that run it and the vip process log. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EVIDENCE_KINDS } from '../../src/core/vrrp/observer.ts';
import { REFUSALS } from '../../src/core/vrrp/refusals.ts';

const root = new URL('../../..', import.meta.url);
const DIRECTORIES = ['src/keeper/', 'src/load/', 'src/instance/', 'src/commands/', 'src/process/', 'src/io/'];
/** What is shorter says nothing. */
const FRAGMENT_MIN = 8;

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/** Where a message is written: in the call that logs it, in a variable that is logged, or as one of those that are counted. */
const PLACES = [
  /(?:\b[lL]og\.(?:info|warn|error)|\bnote|\bproblems\.push|\bwarn)\(\s*(`[^`]+`|'[^'\n]+')/g,
  /\b(?:message|text|line|what|why) = (`[^`]+`|'[^'\n]+');(?=[^}]*\b(?:log\.|note\(|type: 'note'))/g,
  /\btext: \(count, within\) =>([^]*?),\n\s*details:/g,
];

/** Of each message that is logged: its longest part that is always the same. */
function fragments(): string[] {
  const files = DIRECTORIES.flatMap((directory) => {
    const names = readdirSync(new URL(directory, root), { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).map((name) => directory + name);
  });
  return files.flatMap((path) => {
    const source = read(path);
    const messages = PLACES.flatMap((place) => Array.from(source.matchAll(place), ([, written]) => written));
    return messages.map(longestPart).filter(({ length }) => length >= FRAGMENT_MIN);
  });
}

function longestPart(written: string): string {
  // What is left of an expression with a text in it is none of the message.
  const parts = written
    .split(/\$\{[^}]*\}|[`'\n]/)
    .filter((part) => !/[$?=]/.test(part))
    .map((part) => part.replace(/^[\s:;]+|\s+$/g, ''));
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

test('log lines stand on the troubleshooting page', () => {
  const page = read('docs/troubleshooting.md');
  const all = fragments();
  assert.ok(all.length > 100, `${all.length} messages were found`);
  assert.deepEqual(
    all.filter((fragment) => !page.includes(fragment)),
    [],
  );
});

test('what a router observes is explained', () => {
  const page = read('docs/split-brain.md');
  assert.deepEqual(
    EVIDENCE_KINDS.filter((kind) => !page.includes(`\`${kind}\``)),
    [],
  );
});

test('each reason for which an advert is refused is explained', () => {
  const page = read('docs/split-brain.md');
  assert.deepEqual(
    REFUSALS.filter((reason) => !page.includes(`\`${reason}\``)),
    [],
  );
});
