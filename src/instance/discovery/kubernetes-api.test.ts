import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { KubernetesPlan } from '../../config/plan/upstream.ts';
import { KubernetesApi } from './kubernetes-api.ts';

test('a token and authorities are read behind links, and nothing that is no file or has no end', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-kubernetes-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const token = join(folder, 'token');
  const link = join(folder, 'link');
  writeFileSync(token, 'secret\n');
  symlinkSync('token', link);
  const of = (path: string): KubernetesApi => {
    const plan: Partial<KubernetesPlan> = { api: 'https://192.0.2.1', token: path, ca: token };
    return new KubernetesApi(plan as KubernetesPlan);
  };
  assert.equal(of(link).connect().headers['authorization'], 'Bearer secret');
  assert.throws(() => of('/dev/zero').connect(), /not a regular file/);
  assert.throws(() => of(folder).connect(), /directory/);
  writeFileSync(token, 'x'.repeat(2 * 1024 * 1024));
  assert.throws(() => of(link).connect(), /longer than 1 MiB/);
});
