/**
 * A proxy process: takes over what the keeper hands it (keeper/handover.ts), and runs the data plane on the engine it is
 * told to use. It ends when it is drained, when its keeper is gone and its work is done, or by a bug.
 */
import { randomInt } from 'node:crypto';
import { WORKER_DRAINING, WORKER_SERVING, WORKER_STARTING, type WorkerRow } from './base/board.ts';
import { type ControlHandler, ControlLink } from './control-link.ts';
import { descriptorReserve } from './core/descriptors.ts';
import { type EngineName, loadTransport } from './engine.ts';
import { descriptorsLeft } from './io/linux/descriptor-limit.ts';
import { dropPrivileges } from './io/linux/privileges.ts';
import { openBoard, readHandover } from './inheritance.ts';
import { CONTROL_DESCRIPTOR, type Handover } from './keeper/handover.ts';
import type { KeeperMessage } from './port/control.ts';
import type { Transport, TransportDriver } from './port/transport.ts';
import { Proxy, type ProxyEvent } from './proxy/proxy.ts';

/** Resolves to the exit code. */
export async function runProxy(engine: EngineName, workerIndex: number): Promise<number> {
  process.title = `evenkeel: proxy ${workerIndex}`;
  ignoreSignals();
  const handover = readHandover();
  const createTransport = await loadTransport(engine);
  const descriptors = descriptorsLeft();
  // From here on nothing is read that strangers sent. All code is loaded: where it lies may be closed for that user.
  dropPrivileges(handover.user);
  await new ProxyProcess(createTransport(descriptorReserve(descriptors)), handover, workerIndex, descriptors).run();
  return 0;
}

/**
 * A service manager may signal every process of the service, and a terminal a whole group; what a signal means is for the
 * keeper to say. A handler, not SIG_IGN: on io_uring it never runs, but the default action does not happen either.
 */
function ignoreSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => undefined);
}

class ProxyProcess implements TransportDriver, ControlHandler {
  private readonly transport: Transport;
  private readonly handover: Handover;
  private readonly row: WorkerRow;
  private readonly control: ControlLink;
  private readonly proxy: Proxy;
  private lastTurnAt = Infinity;

  constructor(transport: Transport, handover: Handover, workerIndex: number, descriptors: number) {
    this.transport = transport;
    this.handover = handover;
    const board = openBoard(this.handover, workerIndex);
    this.row = board.worker(workerIndex);
    this.row.pid = process.pid;
    this.row.state = WORKER_STARTING;
    this.control = new ControlLink(transport, CONTROL_DESCRIPTOR, this);
    this.proxy = new Proxy({
      plan: this.handover.plan,
      transport,
      board,
      workerIndex,
      seed: randomInt(2 ** 32),
      wallClockMs: Date.now,
      report: (event) => this.handleEvent(event),
      descriptors,
    });
  }

  async run(): Promise<void> {
    this.proxy.start(this.handover.descriptors);
    this.row.state = WORKER_SERVING;
    this.control.say({ type: 'ready' });
    await this.transport.run(this);
  }

  handleTurn(now: number): void {
    if (now >= this.lastTurnAt) this.transport.stop();
    this.proxy.handleTurn(now);
  }

  handleMessage(message: KeeperMessage): void {
    switch (message.type) {
      case 'drain':
        return this.drain();
      case 'open':
        return this.proxy.open(message.listener, message.descriptor);
    }
  }

  /** Nobody else will end this process now, so it gives itself the time that the keeper would have given it. */
  handleKeeperGone(): void {
    this.lastTurnAt = this.transport.now + this.handover.plan.graceMs;
    this.drain();
  }

  private drain(): void {
    this.row.state = WORKER_DRAINING;
    this.proxy.drain();
  }

  private handleEvent(event: ProxyEvent): void {
    this.control.say({ type: 'event', event });
    if (event.kind === 'drained') this.transport.stop();
  }
}
