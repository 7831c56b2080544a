/**
 * Programs to upgrade to, made of this one: another build, whose boards, messages and plans are not those of this one, and
 * some that cannot serve. Each is a whole copy, file by file and not bundled, installed in the place that the running one was started from.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

/** Programs that cannot serve, and what a running one says of the upgrade to it. */
export const FLAWS = {
  'lacks a module': /^the new program ended before it served/,
  'refuses the file': /too many|listeners/,
  'has proxies that end': /^proxy \d ended 3 times at its start/,
  hangs: /does not serve after 30 s/,
  'hangs with what it was given': /does not serve after 30 s/,
} as const satisfies Readonly<Record<string, RegExp>>;

export type Flaw = keyof typeof FLAWS;
export type BuildName = 'this' | 'other' | Flaw;

/** Fails if what it is to replace is not there, or more than once. */
type Edit = readonly [path: string, pattern: RegExp, replacement: string];

/** The status board has its fields elsewhere: what one build writes the other one reads as something else. */
const OTHER_LAYOUT: readonly Edit[] = [
  ['base/server-table.js', /const LAYOUT = \d+;/, 'const LAYOUT = 1000;'],
  ['base/server-table.js', /const HEADER_WORDS = /, 'const HEADER_WORDS = 8 + '],
  ['base/server-table.js', /const SERVER_WORDS = /, 'const SERVER_WORDS = 4 + '],
  ['base/server-table.js', /const S_STATE = 0;/, 'const S_STATE = 1;'],
  ['base/server-table.js', /const S_WEIGHT = 1;/, 'const S_WEIGHT = 0;'],
  ['base/worker-row.js', /const WORKER_WORDS = /, 'const WORKER_WORDS = 8 + '],
  ['base/worker-row.js', /const W_HEARTBEAT = 1;/, 'const W_HEARTBEAT = 2;'],
  ['base/worker-row.js', /const W_STATE = 2;/, 'const W_STATE = 1;'],
  ['base/worker-row.js', /const COUNTER_WORDS = /, 'const COUNTER_WORDS = 8 + '],
  ['base/worker-row.js', /const LISTENER_WORDS = /, 'const LISTENER_WORDS = 8 + '],
];
/** Fields of messages to proxies, and of plans. */
const RENAMED = { keepsIdle: 'sparesIdle', firstSlot: 'slotsFrom', drainMs: 'drainMillis', withinMs: 'withinMillis' };

const FLAWED: Readonly<Record<Exclude<Flaw, 'lacks a module'>, Edit>> = {
  'refuses the file': ['base/limits.js', /LISTENERS_MAX = [\d_]+;/, 'LISTENERS_MAX = 1;'],
  'has proxies that end': ['process/proxy.js', /^/, 'process.exit(7);\n'],
  hangs: ['main.js', /^/, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n'],
  'hangs with what it was given': [
    'instance/upgrade/succession.js',
    /this\.link\.say\(\{ type: 'serving', addresses \}\);/,
    '',
  ],
};

export class Builds {
  /** What is to be run; it is whatever is installed. */
  readonly program: string;
  private readonly directory: string;
  private installed: BuildName = 'this';

  /** In a directory below `parent`, which every process of the program can read. `checkout`: where they find the libraries. */
  constructor(t: TestContext, parent: string, checkout = REPOSITORY) {
    this.directory = mkdtempSync(join(parent, 'evenkeel-builds-'));
    t.after(() => rmSync(this.directory, { recursive: true, force: true }));
    symlinkSync(join(checkout, 'node_modules'), join(this.directory, 'node_modules'));
    this.program = join(this.place(null), 'dist/src/main.js');
    const other = this.copy('other');
    edit(other, OTHER_LAYOUT);
    for (const [name, renamed] of Object.entries(RENAMED)) rename(other, name, renamed);
    const manifest = join(other, 'package.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/("version": "[^"]*)"/, '$1-other"'));
    rmSync(join(this.copy('lacks a module'), 'dist/src/keeper/proxies/listeners.js'));
    for (const [flaw, change] of Object.entries(FLAWED)) edit(this.copy(flaw as Flaw), [change]);
    renameSync(this.copy('this'), this.place(null));
  }

  /** The program on disk is this one from now on. The one that was there can be put back as it was. */
  install(name: BuildName): void {
    if (name === this.installed) return;
    renameSync(this.place(null), this.place(this.installed));
    renameSync(this.place(name), this.place(null));
    this.installed = name;
  }

  /** Null: where the installed one is. */
  private place(name: BuildName | null): string {
    return join(this.directory, name === null ? 'installed' : name.replaceAll(' ', '-'));
  }

  private copy(name: BuildName): string {
    const place = this.place(name);
    for (const path of ['dist/src', 'package.json']) {
      cpSync(join(REPOSITORY, path), join(place, path), { recursive: true, filter: isNeeded });
    }
    return place;
  }
}

function isNeeded(path: string): boolean {
  return !/\.(map|d\.ts|test\.js|tsbuildinfo)$/.test(path);
}

function edit(build: string, edits: readonly Edit[]): void {
  for (const [file, pattern, replacement] of edits) {
    const path = join(build, 'dist/src', file);
    const text = readFileSync(path, 'utf8');
    assert.equal(text.split(pattern).length, pattern.source === '^' ? 1 : 2, `${file} has not one ${pattern}`);
    writeFileSync(path, text.replace(pattern, replacement));
  }
}

function rename(build: string, name: string, renamed: string): void {
  const folder = join(build, 'dist/src');
  const word = new RegExp(`\\b${name}\\b`, 'g');
  let count = 0;
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.js')) continue;
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    if (!word.test(text)) continue;
    count++;
    writeFileSync(path, text.replaceAll(word, renamed));
  }
  assert.ok(count >= 2, `${name} is not what two files say to each other`);
}
