/** What a campaign changes: one evenkeel, its file, its program, the servers behind it; and whether a change holds. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import type { TestContext } from 'node:test';
import type { StatusDocument } from '../../src/api/status.ts';
import type { Prng } from '../../src/base/prng.ts';
import { connect, freePort, get } from '../evenkeel.ts';
import { until } from '../waiting.ts';
import type { BuildName, Builds, Flaw } from './builds.ts';
import { FLAWS } from './builds.ts';
import { type Change, change, type Place } from './changes.ts';
import { startServer } from './traffic.ts';

const SERVERS = 3;
const EXTRA = 3;
const UPGRADE_UNDER_WAY = 'an upgrade is under way; try again when it is over';

/** Asks the program in charge. */
export type Ask = <T>(method: 'GET' | 'POST', path: string) => Promise<T>;

export async function createPlace(t: TestContext): Promise<Place> {
  return {
    ports: { http: await freePort(), tcp: await freePort() },
    extra: await Promise.all(Array.from({ length: EXTRA }, () => freePort())),
    servers: await Promise.all(Array.from({ length: SERVERS }, () => startServer(t))),
  };
}

export interface SiteOptions {
  readonly prng: Prng;
  readonly place: Place;
  /** What the file says. */
  readonly first: Change;
  readonly file: string;
  readonly builds: Builds;
  readonly ask: Ask;
}

export class Site {
  /** Good ones. */
  upgrades = 0;
  /** Upgrades to programs that cannot serve, by what is wrong with them. */
  readonly refused: Record<string, number> = {};
  isUpgrading = false;
  private readonly options: SiteOptions;
  private readonly kept = new http.Agent({ keepAlive: true, maxSockets: 1 });
  private inForce: Change;
  private build: BuildName = 'this';

  constructor(t: TestContext, options: SiteOptions) {
    this.options = options;
    this.inForce = options.first;
    t.after(() => this.kept.destroy());
  }

  status(): Promise<StatusDocument> {
    return this.options.ask('GET', '/v1/status');
  }

  /** Resolves with how long it took, in milliseconds. */
  async reload(round: number): Promise<number> {
    this.write(round);
    const beganAt = performance.now();
    const { error } = await this.options.ask<{ error?: string }>('POST', '/v1/reload');
    assert.equal(error, undefined);
    return performance.now() - beganAt;
  }

  /** To the build that is not the one in charge. Half of the time the file has changed too. */
  async upgrade(round: number): Promise<{ readonly tookMs: number; readonly pid: number }> {
    const { prng, builds, place } = this.options;
    const next = this.build === 'this' ? 'other' : 'this';
    builds.install(next);
    if (prng.below(2) === 0) this.write(round);
    this.isUpgrading = true;
    const beganAt = performance.now();
    const { pid, error } = await this.options.ask<{ pid: number; error?: string }>('POST', '/v1/upgrade');
    const tookMs = performance.now() - beganAt;
    assert.equal(error, undefined);
    this.upgrades++;
    this.isUpgrading = false;
    this.build = next;
    const { version } = await this.status();
    assert.equal(version.endsWith('-other'), next === 'other');
    // What was open is with the old program yet, and told to come again.
    assert.equal((await get(place.ports.http, '/generation', this.kept)).status, 200);
    for (const port of place.extra) if (!this.inForce.open.includes(port)) await isRefused(port);
    return { tookMs, pid };
  }

  /** To a program that cannot serve: nothing has happened. */
  async upgradeInVain(flaw: Flaw): Promise<void> {
    const { builds, ask } = this.options;
    const before = await this.status();
    builds.install(flaw);
    try {
      const { error } = await ask<{ error?: string }>('POST', '/v1/upgrade');
      assert.match(error ?? '', FLAWS[flaw]);
    } finally {
      builds.install(this.build);
    }
    const after = await this.status();
    assert.deepEqual([after.pid, pids(after)], [before.pid, pids(before)], 'a process was replaced');
    this.refused[flaw] = (this.refused[flaw] ?? 0) + 1;
  }

  /** After processes were killed: who that was may have been begun with another file, or another program. */
  handleInCharge({ version }: StatusDocument): void {
    this.isUpgrading = false;
    this.build = version.endsWith('-other') ? 'other' : 'this';
    this.options.builds.install(this.build);
  }

  /** So that the file is in force, whatever happened. */
  async repeatReload(): Promise<void> {
    let error: string | undefined;
    // Who asked for an upgrade may have got no answer while it goes on.
    await until(async () => {
      ({ error } = await this.options.ask<{ error?: string }>('POST', '/v1/reload'));
      return error !== UPGRADE_UNDER_WAY;
    });
    assert.equal(error, undefined);
  }

  /** How many are listened on. */
  get addresses(): number {
    return 2 + this.inForce.open.length;
  }

  /** What the file says holds, on an open connection and on new ones. */
  async holds({ isKept }: { readonly isKept: boolean }): Promise<void> {
    const { ports, extra } = this.options.place;
    const { generation, open } = this.inForce;
    for (const agent of isKept ? [this.kept, false as const] : [false as const]) {
      assert.equal((await get(ports.http, '/generation', agent)).body, generation);
    }
    for (const port of extra) {
      if (open.includes(port)) assert.equal((await get(port, '/generation')).body, generation);
      else await assert.rejects(connect(port), { code: 'ECONNREFUSED' });
    }
  }

  private write(round: number): void {
    const { prng, place, file } = this.options;
    this.inForce = change(prng, place, round);
    writeFileSync(file, this.inForce.yaml);
  }
}

/** A program that gives way closes what its successor does not listen on when it is in charge no more. */
async function isRefused(port: number): Promise<void> {
  await until(async () => {
    try {
      (await connect(port)).destroy();
      return false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return true;
      throw error;
    }
  });
}

function pids({ proxies }: StatusDocument): readonly number[] {
  return proxies.map(({ pid }) => pid);
}
