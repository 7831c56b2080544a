/**
 * Throws everything at once at the engine: many connections both ways with peers on node:net, random sizes and splits,
 * pauses, half-closes, resets, arenas so small that buffers run out, descriptors that run out. Checks every byte, and that
 * in the end no slot, descriptor or connection is left. The engine runs in a process of its own (engine.fuzz.ts), because
 * it blocks its thread and because its descriptors are to run out without the peers'.
 *
 *   node dist/src/io/uring/transport.fuzz.js [--seed N] [--rounds N]
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Prng } from '../../base/prng.ts';
import { mapMemory, setsockopt, SO_LINGER, SOL_SOCKET } from './ffi.ts';
import * as fuzz from './plan.fuzz.ts';

interface Result {
  /** -1: the connection ended before it said which one it was. */
  readonly id: number;
  readonly what: 'complete' | 'aborted' | 'wrong';
}

const linger = mapMemory(4096);
new Int32Array(linger.buffer).set([1, 0]);

/** Not `resetAndDestroy`, which waits until everything is written, and fails after `end`. */
function resetOnClose(socket: net.Socket): void {
  const { _handle: handle } = socket as unknown as { _handle: { fd: number } | null };
  if (handle !== null) setsockopt(handle.fd, SOL_SOCKET, SO_LINGER, linger.address, 8);
}

/** One connection, on the other side. */
class Peer {
  private readonly seed: number;
  private readonly socket: net.Socket;
  private plan: fuzz.Plan | null = null;
  private prng: Prng | null = null;
  private header = Buffer.alloc(0);
  private received = 0;
  private sent = 0;
  private hasEnded = false;
  private isWrong = false;

  constructor(seed: number, socket: net.Socket, id: number | null, done: (result: Result) => void) {
    this.seed = seed;
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.handleData(bytes));
    socket.on('end', () => {
      this.hasEnded = true;
    });
    socket.on('drain', () => this.write());
    socket.on('error', () => {});
    socket.on('close', () => {
      done(this.result());
    });
    if (id !== null) {
      const header = Buffer.alloc(4);
      header.writeInt32LE(id);
      socket.write(header);
      socket.once('connect', () => this.begin(id));
    }
  }

  private begin(id: number): void {
    this.plan = fuzz.planOf(this.seed, id);
    this.prng = this.plan.prng(fuzz.TO_ENGINE);
    this.abortIfTime();
    this.write();
  }

  private handleData(bytes: Buffer): void {
    if (this.plan === null) {
      // Made by the engine: the connection's number comes first.
      this.header = Buffer.concat([this.header, bytes]);
      if (this.header.length < 4) return;
      const rest = this.header.subarray(4);
      this.begin(this.header.readInt32LE());
      if (rest.length > 0) this.handleData(rest);
      return;
    }
    if (!fuzz.isStream(this.plan.id, fuzz.TO_PEER, this.received, bytes)) this.isWrong = true;
    this.received += bytes.length;
    this.abortIfTime();
    if (this.prng!.oneIn(8)) {
      this.socket.pause();
      setTimeout(() => this.socket.resume(), this.prng!.below(20));
    }
  }

  private abortIfTime(): void {
    const { abort, abortAt } = this.plan!;
    if (this.received < abortAt) return;
    if (abort === 'peer-reset') resetOnClose(this.socket);
    if (abort === 'peer-reset' || abort === 'peer-destroy') this.socket.destroy();
  }

  private write(): void {
    const total = this.plan!.bytes[fuzz.TO_ENGINE];
    if (this.socket.destroyed || this.socket.writableEnded) return;
    while (this.sent < total) {
      const most = this.prng!.oneIn(3) ? 60_000 : 1500;
      const length = Math.min(total - this.sent, 1 + this.prng!.below(most));
      const bytes = Buffer.from(fuzz.streamBytes(this.plan!.id, fuzz.TO_ENGINE, this.sent, length));
      this.sent += length;
      if (!this.socket.write(bytes)) return;
      if (this.prng!.oneIn(4)) {
        setTimeout(() => this.write(), this.prng!.below(5));
        return;
      }
    }
    this.socket.end();
  }

  private result(): Result {
    const { plan } = this;
    if (plan === null) return { id: -1, what: 'aborted' };
    const isComplete = this.hasEnded && this.received === plan.bytes[fuzz.TO_PEER];
    const isWrong = this.isWrong || (plan.abort === 'none' ? !isComplete : this.received > plan.bytes[fuzz.TO_PEER]);
    return { id: plan.id, what: isWrong ? 'wrong' : isComplete ? 'complete' : 'aborted' };
  }
}

/** Stops the process for a moment, again and again, as a debugger or a container that is frozen does. Returns what ends it. */
function interrupt(child: ChildProcess): () => void {
  const timer = setInterval(() => {
    child.kill('SIGSTOP');
    setTimeout(() => child.kill('SIGCONT'), 3);
  }, 10);
  return () => clearInterval(timer);
}

/** Twenty times what a round needs on a busy machine. */
const ROUND_MS_MAX = 120_000;

/** Runs one round and returns how many connections were complete. */
export async function runRound(round: fuzz.Round): Promise<number> {
  const results = new Map<number, string>();
  // What the engine makes and drops at once may never reach the peer.
  const missing = new Set<number>();
  for (let id = 0; id < round.connections; id++) {
    if (id % 2 === 0 || !fuzz.planOf(round.seed, id).abort.startsWith('engine')) missing.add(id);
  }
  const over = new EventEmitter();
  const isOver = once(over, 'over');
  const record = ({ id, what }: Result): void => {
    if (id >= 0) results.set(id, what);
    missing.delete(id);
    if (missing.size === 0) over.emit('over');
  };

  const server = net.createServer({ allowHalfOpen: true }, (socket) => new Peer(round.seed, socket, null, record));
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');

  const program = fileURLToPath(new URL('./engine.fuzz.js', import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(round)], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  void exit.then(() => over.emit('over'));
  const control = child.stdio[3] as net.Socket;
  control.on('error', () => {});
  const [hello] = (await once(control, 'data')) as [Buffer];
  const enginePort = hello.readInt32LE();
  const port = Buffer.alloc(4);
  port.writeInt32LE((server.address() as net.AddressInfo).port);
  control.write(port);

  let next = 0;
  const connectNext = (): void => {
    if (next >= round.connections) return;
    const id = next;
    next += 2;
    const socket = net.connect({ port: enginePort, host: '127.0.0.1', allowHalfOpen: true });
    void new Peer(round.seed, socket, id, (result) => {
      record(result);
      connectNext();
    });
  };
  for (let i = 0; i < round.width; i++) connectNext();

  const stopInterrupting = round.isInterrupted === true ? interrupt(child) : null;
  const deadline = setTimeout(() => child.kill('SIGKILL'), ROUND_MS_MAX);
  await isOver;
  control.end();
  const [code] = await exit;
  stopInterrupting?.();
  clearTimeout(deadline);
  server.close();
  assert.equal(code, 0, `the engine failed or did not come to an end, seed ${round.seed}`);
  for (const [id, what] of results) {
    assert.notEqual(
      what,
      'wrong',
      `connection ${id}: ${JSON.stringify(fuzz.planOf(round.seed, id))}, seed ${round.seed}`,
    );
  }
  return [...results.values()].filter((what) => what === 'complete').length;
}

/** A round of every kind there is. */
export function randomRound(seed: number): fuzz.Round {
  const prng = new Prng(seed);
  const width = [1, 10, 100, 400][prng.below(4)];
  return {
    seed,
    width,
    connections: Math.min(600, 20 + width * 4),
    largeSlots: [3, 20, 70, 500, 4000][prng.below(5)],
    smallSlots: [10, 100, 4000][prng.below(3)],
    postedSlots: [1, 2, 16, 64][prng.below(4)],
    receiveLimit: prng.oneIn(2) ? 32_192 : 0,
    ...(prng.oneIn(3) ? { submissions: 4, completions: 8 } : {}),
    ...(prng.oneIn(3) ? { descriptors: 3 + prng.below(width + 10) } : {}),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { seed: { type: 'string', default: '1' }, rounds: { type: 'string', default: '20' } },
  });
  for (let i = 0; i < Number(values.rounds); i++) {
    const round = randomRound(Number(values.seed) + i);
    process.stdout.write(`${JSON.stringify(round)}: `);
    const complete = await runRound(round);
    process.stdout.write(`${complete} of ${round.connections} complete\n`);
  }
}
