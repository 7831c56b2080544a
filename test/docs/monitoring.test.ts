/** The script in docs/monitoring.md, with an evenkeel that says what this test wants. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StatusDocument } from '../../src/api/status.ts';

const skip = spawnSync('jq', ['--version']).status === 0 ? false : 'needs jq';
const page = readFileSync(new URL('../../../docs/monitoring.md', import.meta.url), 'utf8');
const script = /^```sh\n(#![^]*?)^```/m.exec(page)?.[1] ?? '';

type State = StatusDocument['upstreams'][number]['servers'][number]['state'];

/** A command that says so. */
function saying(upstreams: Readonly<Record<string, readonly State[]>>): string {
  const views = Object.entries(upstreams).map(([name, states]) => ({
    name,
    servers: states.map((state) => ({ state })),
  }));
  return `echo '${JSON.stringify({ upstreams: views })}'`;
}

test(
  'the script of the monitoring page names upstreams without a server, and an evenkeel that is gone',
  { skip },
  (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-monitoring-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const run = (evenkeel: string): { code: number | null; out: string } => {
      writeFileSync(join(directory, 'evenkeel'), `#!/bin/sh\n${evenkeel}\n`, { mode: 0o755 });
      const env = { PATH: `${directory}:${process.env['PATH']}` };
      const ran = spawnSync('sh', ['-c', script], { encoding: 'utf8', env });
      return { code: ran.status, out: ran.stdout };
    };
    assert.deepEqual(run(saying({ web: ['down', 'up'], api: ['unchecked'] })), { code: 0, out: '' });
    const down = saying({ web: ['down', 'ejected'], api: ['up'], db: ['unresolved'] });
    assert.deepEqual(run(down), { code: 2, out: 'no server: web db\n' });
    assert.equal(run('exit 1').code, 2);
  },
);
