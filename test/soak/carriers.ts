/** Which node has which client's connection to the virtual address, as the kernel of each says. */
import { BALANCERS, type Balancer, type Pair } from '../../src/lab/pair.ts';
import { connectionsSeenBy } from '../campaign/processes.ts';
import { HTTP_PORT, TCP_PORT } from './file.ts';
import type { Cause, Loss } from './orders.ts';

const LOOK_MS = 1_000;

interface Sight {
  readonly atMs: number;
  readonly ports: ReadonlySet<number>;
}

const NOTHING: Sight = { atMs: 0, ports: new Set() };

export class Carriers {
  readonly losses: Loss[] = [];
  private readonly pair: Pair;
  private readonly last: Record<Balancer, Sight> = { lb01: NOTHING, lb02: NOTHING };
  private readonly timer: NodeJS.Timeout;
  private gap: Loss | null = null;

  constructor(pair: Pair) {
    this.pair = pair;
    this.timer = setInterval(() => BALANCERS.forEach((host) => this.look(host)), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** All that the node has now may end. */
  lose(cause: Cause, host: Balancer): void {
    const before = this.last[host];
    const { atMs, ports } = this.look(host);
    // One that began since then may have ended by now.
    const unseenFromMs = this.pair.watch.holders().includes(host) || cause.endsWith('move') ? before.atMs : atMs;
    this.note({ cause, atMs, ports: new Set([...before.ports, ...ports]), unseenFromMs });
  }

  /** What this proxy has, which is stopped; and what no proxy has accepted yet, which may be in its queue. */
  loseProxy(host: Balancer, accepted: readonly number[]): void {
    const queued = this.connections(host).flatMap(({ client, inode }) => (inode === '0' ? [client] : []));
    this.note({ cause: 'proxy', ports: new Set([...accepted, ...queued]), ...atOnce() });
  }

  /** Nobody has the address until the gap ends. */
  beginGap(): void {
    this.gap = this.note({ cause: 'gap', ports: new Set(), ...atOnce(), untilMs: Number.POSITIVE_INFINITY });
  }

  endGap(): void {
    if (this.gap !== null) this.gap.untilMs = Date.now();
    this.gap = null;
  }

  private note(loss: Omit<Loss, 'untilMs'> & { readonly untilMs?: number }): Loss {
    const noted = { untilMs: loss.atMs, ...loss };
    this.losses.push(noted);
    return noted;
  }

  private look(host: Balancer): Sight {
    const sight = { atMs: Date.now(), ports: new Set(this.connections(host).map(({ client }) => client)) };
    this.last[host] = sight;
    return sight;
  }

  private connections(host: Balancer): ReturnType<typeof connectionsSeenBy> {
    const observer = this.pair.watch.pids[BALANCERS.indexOf(host)];
    return connectionsSeenBy(observer, [HTTP_PORT, TCP_PORT]);
  }
}

function atOnce(): Pick<Loss, 'atMs' | 'unseenFromMs'> {
  const atMs = Date.now();
  return { atMs, unseenFromMs: atMs };
}
