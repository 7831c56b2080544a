/** A process that proxies ask, when it is not ours any longer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../../config/plan/plan.ts';
import type { Host } from '../../port/host.ts';
import { createLog } from '../log/log.ts';
import { OwnServer } from './own-server.ts';

const PLAN = { files: { user: null, sites: [] }, upstreams: [], drainMs: 0 } as unknown as Plan;
const host = {
  listen: () => ({ kind: 'opened', descriptors: [0] }),
  closeDescriptor: () => undefined,
} as unknown as Host;

test('what says something that is no message is ended and started anew, and the keeper goes on', async (t) => {
  for (const said of [`'no message'`, `'{"type":"log"}'`, `'[]'`, `'x'.repeat(1 << 20)`]) {
    let tell: () => void;
    const again = new Promise<void>((resolve) => (tell = resolve));
    const log = createLog(
      (line) => {
        if (/files ended \(killed by SIGKILL\); another one starts/.test(line)) tell();
      },
      () => 0,
    );
    // it stays until it is ended, and says this first
    const script = `process.stdout.write(${said} + '\\n'); setInterval(() => {}, 1000)`;
    const command = [process.execPath, '-e', script] as const;
    const options = {
      host,
      log,
      name: 'files',
      upstream: '(files)',
      ordersOf: () => ({ user: null, message: {} }),
      command,
      user: null,
      findUser: () => null,
      onOtherProgram: () => undefined,
    };
    const files = new OwnServer(options);
    t.after(() => files.stop());
    files.place(PLAN);
    void files.apply(PLAN);
    await again;
    files.stop();
    assert.equal(files.pid, 0);
  }
});
