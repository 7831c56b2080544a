/** What tests of upgrades share: asks a running evenkeel for one, and sees who is left. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { StatusDocument } from '../src/api/status.ts';
import { askSocket } from './control-socket.ts';
import { type Evenkeel, kill, program } from './evenkeel.ts';
import { childrenOf, endFamily } from './family.ts';
import { until } from './waiting.ts';

interface Told {
  readonly pid?: number;
  readonly error?: string;
}

export function ask<T>(evenkeel: Evenkeel, method: string, path: string): Promise<T> {
  return askSocket(`${evenkeel.file}.sock`, method, path);
}

export const upgrade = (evenkeel: Evenkeel): Promise<Told> => ask(evenkeel, 'POST', '/v1/upgrade');
export const status = (evenkeel: Evenkeel): Promise<StatusDocument> => ask(evenkeel, 'GET', '/v1/status');

export async function gone(pid: number): Promise<void> {
  await until(
    () => !kill(pid, 0),
    () => `the end of ${pid}`,
  );
}

/** Ends whoever is in charge now, with the proxies that it has now and then, when the test is over. */
export function endAfter(t: TestContext, pid: number): void {
  // Without it they would serve on, and be nobody's children.
  const proxies = childrenOf(pid);
  t.after(() => [pid, ...proxies].forEach(endFamily));
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

/** This program, but it is killed the moment that it has said `message` to the keeper that it is to succeed. */
export function dyingAfter(message: string): string {
  return `
    import net from 'node:net';
    const { write } = net.Socket.prototype;
    net.Socket.prototype.write = function (data, ...rest) {
      const written = write.call(this, data, ...rest);
      if (Buffer.from(data).includes('"type":"${message}"')) write.call(this, '', () => process.kill(process.pid, 'SIGKILL'));
      return written;
    };
    await import('${program}');
  `;
}

/** This program, but it does not say `message` to the keeper that it is to succeed; on stderr it says that it withholds it. */
export function withholding(message: string): string {
  return `
    import net from 'node:net';
    const { write } = net.Socket.prototype;
    net.Socket.prototype.write = function (data, ...rest) {
      if (!Buffer.from(data).includes('"type":"${message}"')) return write.call(this, data, ...rest);
      process.stderr.write('withheld: ${message}\\n');
      return true;
    };
    await import('${program}');
  `;
}
