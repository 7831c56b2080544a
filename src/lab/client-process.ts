/**
 * The client of a lab, in a process and a network namespace of its own: a small HTTP request over a new TCP connection
 * again and again, at fixed moments whatever became of those before, so that an outage is as long as it is and not as long
 * as one patient request. A new connection each, because that is what a failover breaks or serves: it shows a stale ARP
 * entry, an address that nobody has, a listener that is not there and a proxy that hangs, which a ping does not.
 */
import net from 'node:net';
import { monotonicMs } from './clock.ts';
import { OUTCOMES, type Outcome } from './outages.ts';

/** Requests in the order they began: start in ms, outcome's index, start in ms, ... */
export type ClientReport = Float64Array;

const REPORT_MS = 50;
/** A client that was late starts no more than these at once; it must not become a flood. */
const BURST_MAX = 8;

export async function runLabClient(args: readonly string[]): Promise<number> {
  const [address, port, intervalMs, deadlineMs] = args;
  const client = new ProbingClient(address, Number(port), Number(intervalMs), Number(deadlineMs));
  process.on('message', () => client.stop());
  process.on('disconnect', () => process.exit(0));
  return client.run();
}

class ProbingClient {
  private readonly options: net.NetConnectOpts;
  private readonly request: string;
  private readonly intervalMs: number;
  private readonly deadlineMs: number;
  /** In the order they began; the first one is not yet reported. */
  private readonly probes: Probe[] = [];
  private nextMs = 0;
  private isStopping = false;
  private resolve: (code: number) => void = () => undefined;
  private turns: NodeJS.Timeout | null = null;
  private reports: NodeJS.Timeout | null = null;

  constructor(address: string, port: number, intervalMs: number, deadlineMs: number) {
    this.options = { host: address, port, noDelay: true, autoSelectFamily: false };
    const host = address.includes(':') ? `[${address}]` : address;
    this.request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    this.intervalMs = intervalMs;
    this.deadlineMs = deadlineMs;
  }

  run(): Promise<number> {
    this.nextMs = monotonicMs();
    this.reports = setInterval(() => this.report(), REPORT_MS);
    this.turn();
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** Lets what is under way come to its end. */
  stop(): void {
    this.isStopping = true;
    clearTimeout(this.turns!);
    this.turn();
  }

  private turn(): void {
    const now = monotonicMs();
    for (let i = 0; now >= this.nextMs && i < BURST_MAX && !this.isStopping; i++) {
      this.probes.push(new Probe(this.options, this.request));
      this.nextMs += this.intervalMs;
    }
    if (now >= this.nextMs) this.nextMs = now;
    for (const probe of this.probes) {
      if (now - probe.startedMs < this.deadlineMs) break;
      probe.end('no answer');
    }
    const waiting = this.probes.find(({ outcome }) => outcome === null);
    const deadline = waiting === undefined ? Infinity : waiting.startedMs + this.deadlineMs;
    const due = this.isStopping ? deadline : Math.min(this.nextMs, deadline);
    if (due < Infinity) this.turns = setTimeout(() => this.turn(), Math.max(1, due - now));
  }

  private report(): void {
    let count = this.probes.findIndex(({ outcome }) => outcome === null);
    if (count < 0) count = this.probes.length;
    const report = new Float64Array(2 * count);
    for (const [i, probe] of this.probes.splice(0, count).entries()) {
      report[2 * i] = probe.startedMs;
      report[2 * i + 1] = OUTCOMES.indexOf(probe.outcome!);
    }
    process.send!(report);
    if (this.isStopping && this.probes.length === 0) {
      clearTimeout(this.turns!);
      clearInterval(this.reports!);
      this.resolve(0);
    }
  }
}

class Probe {
  readonly startedMs = monotonicMs();
  outcome: Outcome | null = null;
  private readonly socket: net.Socket;

  constructor(options: net.NetConnectOpts, request: string) {
    this.socket = net.connect(options);
    this.socket.write(request);
    this.socket.on('data', (data: Buffer) => {
      this.end(data.toString('latin1', 0, 12) === 'HTTP/1.1 200' ? 'answered' : 'wrong answer');
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.end(OUTCOME_OF[error.code ?? ''] ?? 'unreachable'));
    this.socket.on('close', () => this.end('reset'));
  }

  /** The first one counts. */
  end(outcome: Outcome): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    // By a reset: thousands of ports in TIME_WAIT would soon be all there are.
    this.socket.resetAndDestroy();
  }
}

const OUTCOME_OF: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'no answer',
};
