/**
 * Clients of UDP: each keeps so many datagrams under way, and sends what comes back again. With `once` a client asks one question and is gone, and the
 * next one has another port. `load-process.js PORT CLIENTS UNDER_WAY once|on SECONDS SEED_PORT`; says what it has found as JSON.
 *
 * Only bytes that came in may be sent. The first ones come to SEED_PORT, again and again: with each, who has waited for too long begins anew.
 */
import type { DatagramHandler, Flow, FlowHandler } from '../../src/port/datagram.ts';
import { createUringTransport } from '../../src/io/uring/transport.ts';
import { bindLocal } from './local-socket.ts';

export interface DatagramReport {
  readonly answers: number;
  /** Had no answer after LOST_MS. */
  readonly lost: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const LOST_MS = 500;
/** Of so many answers one is measured. */
const SAMPLE = 16;

const [port, clients, underWay, , seconds, seedPort] = process.argv.slice(2).map(Number);
const isOnce = process.argv[5] === 'once';
// Each datagram for itself, as most programs send.
const transport = createUringTransport({ segmentsDatagrams: false });
const proxy = transport.prepareAddress({ family: 4, host: '127.0.0.1', port });

class Load implements FlowHandler, DatagramHandler {
  answers = 0;
  lost = 0;
  readonly samplesUs: number[] = [];
  began = 0;
  private readonly flows: (Flow | null)[] = Array.from({ length: clients }, () => null);
  /** When each that is under way was sent: answers come in that order. */
  private readonly sent = new Float64Array(clients * underWay);
  private readonly asked = new Int32Array(clients);
  private readonly answered = new Int32Array(clients);
  private readonly lastAt = new Float64Array(clients);
  private readonly owed = new Int32Array(clients);

  /** The seed. */
  handleDatagram(_socket: unknown, bytes: Uint8Array, offset: number, length: number): void {
    const { now } = transport;
    if (this.began === 0) this.began = performance.now();
    for (let tag = 0; tag < clients; tag++) {
      if (now - this.lastAt[tag] < LOST_MS) continue;
      this.lost += this.owed[tag];
      this.begin(tag);
      for (let i = 0; i < underWay; i++) this.ask(tag, bytes, offset, length);
    }
  }

  handleAnswer({ tag }: Flow, bytes: Uint8Array, offset: number, length: number): void {
    this.owed[tag]--;
    const at = tag * underWay + (this.answered[tag]++ % underWay);
    if (++this.answers % SAMPLE === 0) this.samplesUs.push((performance.now() - this.sent[at]) * 1000);
    if (isOnce) this.begin(tag);
    this.ask(tag, bytes, offset, length);
  }

  /** A client in this place, another one than before. */
  private begin(tag: number): void {
    this.flows[tag]?.close();
    const flow = transport.datagrams.open(proxy, this, tag, isOnce);
    if (typeof flow !== 'object') throw new Error(`no socket: ${flow}`);
    this.flows[tag] = flow;
    this.owed[tag] = this.asked[tag] = this.answered[tag] = 0;
  }

  private ask(tag: number, bytes: Uint8Array, offset: number, length: number): void {
    this.owed[tag]++;
    this.lastAt[tag] = transport.now;
    this.sent[tag * underWay + (this.asked[tag]++ % underWay)] = performance.now();
    this.flows[tag]!.send(bytes, offset, length);
  }

  handleDropped(): void {}
  handleFlowDropped(): void {}
  handleUnreachable(): void {}
}

const load = new Load();
transport.datagrams.bind(bindLocal(seedPort), load).start();
await transport.run({
  handleTurn() {
    if (load.began > 0 && performance.now() - load.began > seconds * 1000) transport.stop();
  },
});
const sorted = load.samplesUs.sort((a, b) => a - b);
const report: DatagramReport = {
  answers: load.answers,
  lost: load.lost,
  seconds: (performance.now() - load.began) / 1000,
  p50Us: sorted[sorted.length >> 1] ?? Number.NaN,
  p99Us: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
