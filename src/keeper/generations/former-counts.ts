/**
 * What the keepers before this one have counted: `status` shows it together with what this one counts. By names, for places on the
 * board are another's. What they count of what they finish comes later (late-counts.ts), on top.
 */
import type { Plan } from '../../config/plan/plan.ts';
import type { TrafficMemory } from '../traffic/totals.ts';

/** For a successor, which may be of another version. */
export interface CountMemory {
  readonly listeners: readonly ListenerCountMemory[];
  readonly servers: readonly ServerCountMemory[];
  readonly answers: readonly AnswerCountMemory[];
  /** Keepers up to 0.1.0 do not say it. */
  readonly traffic?: readonly TrafficMemory[];
  /** Likewise. */
  readonly ejections?: readonly { readonly upstream: string; readonly ejections: number }[];
}

interface AnswerCountMemory {
  readonly answer: string;
  readonly count: number;
  /** Keepers up to 0.1.0 do not say it. */
  readonly resets?: number;
}

interface ListenerCountMemory {
  readonly listener: string;
  readonly accepted: number;
  /** Of UDP. Keepers up to 0.1.0 do not say it. */
  readonly datagrams?: DatagramCounts | null;
}

/** Of clients, and to clients. */
export interface DatagramCounts {
  readonly in: number;
  readonly out: number;
}

interface ServerCountMemory extends ServerCounts {
  readonly upstream: string;
  readonly server: string;
  /** Null: its name had none. */
  readonly address: string | null;
}

export interface ServerCounts {
  readonly requests: number;
  readonly failures: number;
  readonly shortages: number;
}

const NO_DATAGRAMS: DatagramCounts = { in: 0, out: 0 };
const NONE: ServerCounts = { requests: 0, failures: 0, shortages: 0 };

export class FormerCounts {
  private readonly listeners = new Map<string, number>();
  private readonly datagramsOf = new Map<string, DatagramCounts>();
  private readonly upstreams = new Map<string, Map<string, Map<string | null, ServerCounts>>>();
  private readonly answered = new Map<string, number>();
  private readonly reset = new Map<string, number>();

  recall({ listeners, servers, answers }: CountMemory): void {
    for (const { listener, accepted, datagrams } of listeners) {
      this.listeners.set(listener, accepted);
      if (datagrams !== undefined && datagrams !== null) this.datagramsOf.set(listener, datagrams);
    }
    for (const { upstream, server, address, ...counts } of servers) {
      const known = getOrAdd(this.upstreams, upstream, () => new Map<string, Map<string | null, ServerCounts>>());
      getOrAdd(known, server, () => new Map<string | null, ServerCounts>()).set(address, counts);
    }
    for (const { answer, count, resets = 0 } of answers) {
      this.answered.set(answer, count);
      this.reset.set(answer, resets);
    }
  }

  /** The same, of what was counted since. */
  add(late: CountMemory): void {
    this.recall({
      listeners: late.listeners.map(({ listener, accepted, datagrams }) => {
        const known = this.datagrams(listener);
        const sum = { in: known.in + (datagrams?.in ?? 0), out: known.out + (datagrams?.out ?? 0) };
        return { listener, accepted: this.accepted(listener) + accepted, datagrams: sum };
      }),
      servers: late.servers.map(({ upstream, server, address, requests, failures, shortages }) => {
        const known = this.server(upstream, server, address);
        return {
          upstream,
          server,
          address,
          requests: known.requests + requests,
          failures: known.failures + failures,
          shortages: known.shortages + shortages,
        };
      }),
      answers: late.answers.map(({ answer, count, resets = 0 }) => {
        return { answer, count: this.answers(answer) + count, resets: this.resets(answer) + resets };
      }),
    });
  }

  /** What this plan does not have is counted from zero if it comes again. */
  retain({ listeners, upstreams }: Plan): void {
    keep(this.listeners, new Set(listeners.map(({ name }) => name)));
    keep(this.datagramsOf, new Set(listeners.map(({ name }) => name)));
    keep(this.upstreams, new Set(upstreams.map(({ name }) => name)));
    for (const { name, servers } of upstreams) {
      const known = this.upstreams.get(name);
      if (known !== undefined) keep(known, new Set(servers.map((server) => server.name)));
    }
  }

  accepted(listener: string): number {
    return this.listeners.get(listener) ?? 0;
  }

  datagrams(listener: string): DatagramCounts {
    return this.datagramsOf.get(listener) ?? NO_DATAGRAMS;
  }

  server(upstream: string, server: string, address: string | null): ServerCounts {
    return this.upstreams.get(upstream)?.get(server)?.get(address) ?? NONE;
  }

  answers(answer: string): number {
    return this.answered.get(answer) ?? 0;
  }

  resets(answer: string): number {
    return this.reset.get(answer) ?? 0;
  }
}

function keep<T>(map: Map<string, T>, names: ReadonlySet<string>): void {
  for (const name of map.keys()) if (!names.has(name)) map.delete(name);
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}
