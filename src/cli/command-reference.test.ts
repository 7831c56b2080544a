import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createCli } from './cli.ts';
import { commandsPage, manPage } from './command-reference.ts';
import { commandTree } from './command-tree.ts';
import { bashCompletion, zshCompletion } from './completion.ts';

const FOLDER = new URL('../../../docs/reference/', import.meta.url);
const nothing = (): never => assert.fail('nothing is run');
const program = createCli('1.2.3', {
  out: nothing,
  err: nothing,
  exit: nothing,
  commands: new Proxy({}, { get: nothing }) as never,
});
const tree = commandTree(program);

test('docs/reference/commands.md is what the command line makes (EVENKEEL_WRITE_DOCS=1 writes it)', () => {
  const file = new URL('commands.md', FOLDER);
  const page = commandsPage(tree);
  if (process.env['EVENKEEL_WRITE_DOCS'] === '1') writeFileSync(file, page);
  assert.equal(readFileSync(file, 'utf8'), page, 'run `npm run docs`');
});

test('the man page says nothing that the formatter does not understand', (t) => {
  const page = manPage(tree, '1.2.3');
  const { status, stdout, stderr, error } = spawnSync('man', ['--warnings', '-E', 'UTF-8', '-l', '-'], {
    input: page,
    encoding: 'utf8',
    env: { ...process.env, MANWIDTH: '120' },
  });
  if (error !== undefined) return t.skip('needs man');
  assert.equal(stderr, '');
  assert.equal(status, 0);
  for (const text of ['--watch', 'evenkeel server drain', 'EXIT STATUS']) assert.ok(stdout.includes(text), text);
});

/** What bash offers for the last of these words. */
function offers(...words: readonly string[]): readonly string[] {
  const script = `${bashCompletion(tree)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _evenkeel; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', 'evenkeel', ...words], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes commands, the ones below them, options, and what an option may be', () => {
  assert.deepEqual(offers('rel'), ['reload']);
  assert.deepEqual(offers('server', 'd'), ['drain', 'disable']);
  assert.deepEqual(offers('run', '--log-f'), ['--log-format']);
  assert.deepEqual(offers('run', 'file', '--log-format', ''), ['text', 'json']);
  assert.deepEqual(offers('run', '--socket', ''), [], 'files are for the shell');
  assert.deepEqual(offers('completion', 'z'), ['zsh']);
});

test('zsh loads it', (t) => {
  const { status, stderr, error } = spawnSync('zsh', ['-n', '-c', zshCompletion(tree)], { encoding: 'utf8' });
  if (error !== undefined) return t.skip('needs zsh');
  assert.equal(`${stderr}${status}`, '0');
});
