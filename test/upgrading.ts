/** What tests of upgrades share: asks a running evenkeel for one, and sees who is left. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { StatusDocument } from '../src/keeper/status.ts';
import { type Evenkeel, kill, program, WAIT_MS } from './evenkeel.ts';

interface Told {
  readonly pid?: number;
  readonly error?: string;
}

export function ask<T>(evenkeel: Evenkeel, method: string, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const options = { socketPath: `${evenkeel.file}.sock`, method, path, agent: false };
    const request = http.request(options, (response) => {
      let text = '';
      response.on('data', (data: Buffer) => (text += data.toString()));
      response.on('end', () => resolve(JSON.parse(text) as T));
    });
    request.on('error', reject);
    request.end();
  });
}

export const upgrade = (evenkeel: Evenkeel): Promise<Told> => ask(evenkeel, 'POST', '/v1/upgrade');
export const status = (evenkeel: Evenkeel): Promise<StatusDocument> => ask(evenkeel, 'GET', '/v1/status');

export async function gone(pid: number): Promise<void> {
  for (const end = performance.now() + WAIT_MS; kill(pid, 0);) {
    assert.ok(performance.now() < end, `${pid} is still there`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Ends whoever is in charge now, with its proxies, when the test is over. */
export function endAfter(t: TestContext, pid: number): void {
  t.after(() => {
    for (const each of [...childrenOf(pid), pid]) kill(each, 'SIGKILL');
  });
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** A copy of the command that can be replaced by another program. */
export function replaceable(t: TestContext): { readonly path: string; replace(source: string | null): void } {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-program-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'evenkeel.mjs');
  const replace = (source: string | null): void => {
    rmSync(path, { force: true });
    if (source === null) symlinkSync(program, path);
    else writeFileSync(path, source);
  };
  replace(null);
  return { path, replace };
}
