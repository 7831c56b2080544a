/** `evenkeel fleet follow`: between etcd and the balancer of this machine, whose client it is. */
import { setTimeout as delay } from 'node:timers/promises';
import { assert } from '../../base/assert.ts';
import type { Answer } from '../../api/operations.ts';
import type { Counts } from '../../core/rollout/error-watch.ts';
import { Follower, type Order, type Outcome } from '../../core/rollout/follower.ts';
import type { Output } from '../check.ts';
import { askStatus, bodyOf, ControlError, exchange, type Question } from '../control-client.ts';
import { type FleetStore, StoreError } from './store.ts';

/** How often it is looked, here and there. */
const LOOK_MS = 1_000;
const REPORT_MS = 5_000;
const WHOLE = '/v1/configuration';
const BY = 'fleet';
const REFUSED = 422;
/** Nothing is pending. */
const NOTHING = 409;

export interface FollowOptions {
  readonly store: FleetStore;
  readonly socket: string;
  readonly node: string;
  readonly output: Output;
}

type FollowingOptions = Omit<FollowOptions, 'store'> & {
  readonly store: Pick<FleetStore, 'read' | 'replace' | 'tell'>;
};

/** Resolves after SIGTERM or SIGINT. */
export async function followFleet(options: FollowOptions): Promise<void> {
  const { node, output } = options;
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());
  const following = new Following(options);
  output.out(`${node} follows\n`);
  while (!ending.signal.aborted) {
    await following.look();
    await delay(LOOK_MS, undefined, { signal: ending.signal }).catch(() => undefined);
  }
}

/** One node's. */
export class Following {
  private readonly options: FollowingOptions;
  private readonly follower: Follower;
  private toldMs = Number.NEGATIVE_INFINITY;
  /** What is in force goes back by itself: somebody has taken it on trial, perhaps this command before it was started anew. */
  private isOnTrial = false;
  /** The last that was said of each kind, so that it is said once. */
  private readonly said = new Map<string, string>();

  constructor(options: FollowingOptions) {
    this.options = options;
    this.follower = new Follower(options.node);
  }

  async look(): Promise<void> {
    const { follower, options } = this;
    try {
      follower.handleRecord((await options.store.read()).record);
      this.hear('etcd', '');
    } catch (error) {
      // what is known stays true: what is kept is kept, and a trial goes on
      this.hear('etcd', messageOf(error));
    }
    try {
      const status = await askStatus(options.socket);
      follower.handleCounts(countsOf(status), performance.now());
      this.isOnTrial = typeof status.configuration.setByApi?.rollbackInMs === 'number';
      this.hear('evenkeel', '');
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      this.hear('evenkeel', error.message);
    }
    const order = follower.next(performance.now());
    if (order !== null) {
      const outcome = await this.carryOut(order);
      follower.handleOutcome(order, outcome, performance.now());
      this.tellOf(order, outcome);
    }
    await this.report(order !== null);
  }

  private async carryOut(order: Order): Promise<Outcome> {
    try {
      switch (order.kind) {
        case 'take':
          return await this.take(order);
        case 'keep':
          return await this.ask({ method: 'POST', path: `${WHOLE}/confirm?by=${BY}` });
        case 'go-back':
          return await this.ask({ method: 'POST', path: `${WHOLE}/roll-back?by=${BY}` });
        case 'stop':
          return await this.stop(order);
      }
    } catch (error) {
      return { kind: 'failed', why: messageOf(error) };
    }
  }

  private async take({ forMs, version }: Extract<Order, { kind: 'take' }>): Promise<Outcome> {
    const reply = await exchange(this.options.socket, {
      method: 'PUT',
      path: `${WHOLE}?by=${BY}&confirm=${Math.ceil(forMs / 1_000)}`,
      headers: { 'if-match': '*', 'content-type': 'application/json' },
      body: JSON.stringify(version.configuration),
    });
    if (reply.status === REFUSED || reply.status === 400) return { kind: 'refused', why: errorOf(reply.body) };
    const { changes } = bodyOf(reply) as Answer<'replaceConfiguration'>;
    return { kind: 'done', isSame: changes.length === 0 && !this.isOnTrial };
  }

  private async ask(question: Question): Promise<Outcome> {
    const reply = await exchange(this.options.socket, question);
    if (reply.status === NOTHING) return { kind: 'refused', why: 'it was taken back on this machine meanwhile' };
    bodyOf(reply);
    return { kind: 'done' };
  }

  private async stop({ version, why }: Extract<Order, { kind: 'stop' }>): Promise<Outcome> {
    const kept = await this.options.store.read();
    const { record } = kept;
    if (record === null || record.version !== version || record.stopped !== null) return { kind: 'done' };
    const stopped = { why, by: this.options.node };
    const isDone = await this.options.store.replace(kept, { ...record, stopped });
    return isDone ? { kind: 'done' } : { kind: 'failed', why: 'somebody else has changed it meanwhile' };
  }

  private async report(isNow: boolean): Promise<void> {
    const nowMs = performance.now();
    if (!isNow && nowMs - this.toldMs < REPORT_MS) return;
    try {
      const { report } = this.follower;
      await this.options.store.tell({ ...report, why: report.why || (this.said.get('evenkeel') ?? '') });
      this.toldMs = nowMs;
    } catch (error) {
      this.say('etcd', messageOf(error));
    }
  }

  private tellOf(order: Order, outcome: Outcome): void {
    const { err, out } = this.options.output;
    const why = outcome.kind === 'done' ? '' : outcome.why;
    if (outcome.kind === 'failed') return this.say('order', why);
    this.say('order', '');
    if (why !== '') return err(`evenkeel: ${refusalOf(order)}: ${why}\n`);
    return out(`${this.wordOf(order)}\n`);
  }

  private wordOf(order: Order): string {
    switch (order.kind) {
      case 'take':
        return `version ${order.version.version}: taken, to see how it goes`;
      case 'keep':
        return 'kept';
      case 'go-back':
        return 'taken back';
      case 'stop':
        return `version ${order.version} is stopped everywhere: ${order.why}`;
    }
  }

  private say(about: string, what: string): void {
    if (what !== '' && ![...this.said.values()].includes(what)) this.options.output.err(`evenkeel: ${what}\n`);
    this.said.set(about, what);
  }

  /** Who is asked all the time: also that it answers again. */
  private hear(whom: string, problem: string): void {
    if (problem === '' && (this.said.get(whom) ?? '') !== '') this.options.output.out(`${whom} answers again\n`);
    this.say(whom, problem);
  }
}

function refusalOf(order: Order): string {
  return order.kind === 'take' ? `version ${order.version.version} is refused` : 'it is not kept';
}

function countsOf({ listeners }: Awaited<ReturnType<typeof askStatus>>): Counts {
  let requests = 0;
  let failed = 0;
  for (const { traffic } of listeners) {
    if (traffic === undefined || traffic === null) continue;
    for (const [name, count] of Object.entries(traffic.requests)) {
      requests += count;
      if (name === '5xx') failed += count;
    }
  }
  return { requests, failed };
}

function messageOf(error: unknown): string {
  assert(error instanceof StoreError || error instanceof ControlError, String(error));
  return error.message;
}

function errorOf(body: unknown): string {
  const { error } = body as { readonly error?: unknown };
  return typeof error === 'string' ? error.trim().replace(/\s*\n\s*/g, '; ') : 'it is refused';
}
