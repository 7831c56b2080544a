/**
 * `evenkeel demo`: the real program, keeper and proxies and all, in front of servers of its own that break down in turn,
 * with traffic that would notice. Shows what happens; proves at the end that no request failed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import net from 'node:net';
import { type Board, emptySlot, type ServerSlot, WEIGHT_UNIT, type WorkerRow } from '../base/board.ts';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { DemoOptions } from '../cli/demo.ts';
import type { Plan } from '../config/plan/plan.ts';
import { EngineError } from '../process/engine.ts';
import { findFooting } from '../process/footing.ts';
import { linuxHost } from '../io/linux/host.ts';
import { findPortOwner } from '../io/linux/port-owner.ts';
import { Keeper } from '../keeper/keeper.ts';
import type { Log } from '../keeper/log/log.ts';
import { StartError } from '../keeper/start-error.ts';
import { proxyCount } from '../keeper/proxies/supervisor.ts';
import { type DemoOrder, type DemoPorts, ECHO_SERVERS, WEB_SERVERS, type WebServer } from './demo-servers.ts';
import { DemoTraffic } from './demo-traffic.ts';
import { type DemoFrame, renderFrame, renderLine } from './demo-view.ts';
import { type Color, noPaint, paint } from './paint.ts';
import { terminalSize } from './terminal-size.ts';
import { CTRL_C, keyName, readKeys } from './keys.ts';
import { defaultWorkers } from '../load/default-workers.ts';
import { planOf } from '../load/prepare.ts';
import { type Program, proxyCommand } from './run.ts';
import { watchSignals } from '../instance/signals.ts';

const FIRST_PORT = 8080;
/** Of each listener: as many as the usual 1024 open files let a proxy serve, each with a connection to a server. */
const CLIENTS_MAX = 256;
const FRAME_MS = 200;
const LINE_MS = 2_000;
const EVENTS_MAX = 100;
/** The first breakdown comes soon, so that a short look sees one. */
const FIRST_BREAKDOWN_MS = 4_000;
const DOWN_MS = 4_000;
const UP_MS = 6_000;

export async function demoCommand(options: DemoOptions, program: Program): Promise<number> {
  try {
    return await runDemo(options, program);
  } catch (error) {
    if (!(error instanceof StartError) && !(error instanceof EngineError)) throw error;
    process.stderr.write(`evenkeel: ${error.message}\n`);
    return EXIT_FAILED;
  }
}

async function runDemo(options: DemoOptions, program: Program): Promise<number> {
  const workers = options.workers ?? defaultWorkers();
  const servers = await startServers(program);
  const ports = await choosePorts();
  const plan = planOf('demo', configurationOf(ports, servers.ports), workers);
  const probeCommand = [...program.command, '__probe'] as const;
  const { engine, user } = await findFooting({ user: null, engine: options.engine, workers, probeCommand });
  const screen = new Screen();
  const gauge = new Gauge(plan);
  const tell = (message: string): void => {
    screen.tell(`${new Date().toTimeString().slice(0, 8)}  ${gauge.withNames(message)}`);
  };
  const log: Log = { info: tell, warn: tell, error: tell };
  const keeper = new Keeper({
    workersMax: workers,
    host: linuxHost,
    log,
    user,
    proxyCommand: proxyCommand(program, engine.engine),
    ownServerCommand: program.command,
    findFilesUser: () => null,
    findUser: () => null,
  });
  process.once('exit', () => screen.restore());
  const asked = watchSignals(() => {
    keeper.kill();
    endServers(servers.child);
  });
  await keeper.start(plan);

  const traffic = new DemoTraffic(ports.http, ports.tcp, tell);
  const frame = (): DemoFrame => ({
    title: `evenkeel ${program.version}  ·  demo  ·  ${proxyCount(workers)}  ·  engine ${engine.text}`,
    httpUrl: `http://127.0.0.1:${ports.http}/`,
    tcpAddress: `127.0.0.1:${ports.tcp}`,
    servers: gauge.rows(keeper.board),
    requests: traffic.requests,
    failed: traffic.failed,
    conversations: traffic.conversations,
    medianMs: traffic.percentileMs(0.5),
    p99Ms: traffic.percentileMs(0.99),
    moved: gauge.failures(keeper.board),
    events: screen.events,
  });
  const quit = screen.open(frame);
  for (const notice of ports.notices) tell(notice);
  traffic.start();
  const breakdowns = breakDownInTurn(servers.child, tell);

  const time = options.seconds === null ? new Promise<never>(() => undefined) : sleep(options.seconds * 1000);
  await Promise.race([asked, time, quit]);
  breakdowns.abort();
  await traffic.stop();
  screen.close(frame());
  await keeper.stop();
  endServers(servers.child);
  return traffic.failed === 0 ? EXIT_OK : EXIT_FAILED;
}

/** What the demo runs; as an evenkeel.yaml. */
function configurationOf({ http, tcp }: ListenPorts, servers: DemoPorts): string {
  return `
listeners:
  web: { bind: "127.0.0.1:${http}", protocol: http, limits: { connections: ${CLIENTS_MAX} }, routes: [ { upstream: web, retry: { attempts: 3, on: [connect, reset] } } ] }
  echo: { bind: "127.0.0.1:${tcp}", protocol: tcp, limits: { connections: ${CLIENTS_MAX} }, upstream: echo }
upstreams:
  web:
    servers: [ ${addressList(servers.web)} ]
    health: { http: /, interval: 1s, timeout: 1s, rise: 2, fall: 2 }
    slow-start: 4s
  echo:
    servers: [ ${addressList(servers.echo)} ]
    health: { tcp: true, interval: 1s }
`;
}

function addressList(ports: readonly number[]): string {
  return ports.map((port) => `"127.0.0.1:${port}"`).join(', ');
}

async function startServers({ command }: Program): Promise<{ child: ChildProcess; ports: DemoPorts }> {
  const child = spawn(command[0], [command[1], '__demo-servers'], { stdio: ['ignore', 2, 2, 'ipc'] });
  const [ports] = (await once(child, 'message')) as [DemoPorts];
  return { child, ports };
}

/** They ignore the signals that are for the demo. */
function endServers(child: ChildProcess): void {
  child.kill('SIGKILL');
}

interface ListenPorts {
  readonly http: number;
  readonly tcp: number;
  /** Why they are not the usual ones. */
  readonly notices: readonly string[];
}

/** The usual ports, or the next ones that nobody listens on. */
async function choosePorts(): Promise<ListenPorts> {
  const notices: string[] = [];
  const found: number[] = [];
  for (let port = FIRST_PORT; found.length < 2 && port < 65536; port++) {
    if (await isFree(port)) {
      found.push(port);
      continue;
    }
    const owner = findPortOwner(port);
    const who = owner === null ? 'another program' : `${owner.name} (pid ${owner.pid})`;
    notices.push(`port ${port} is taken by ${who}: the demo listens on the next free one`);
  }
  return { http: found[0], tcp: found[1], notices };
}

function isFree(port: number): Promise<boolean> {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** One server after the other breaks down with all its connections and comes back. */
function breakDownInTurn(child: ChildProcess, tell: (what: string) => void): AbortController {
  const controller = new AbortController();
  const wait = (ms: number): Promise<void> => sleep(ms, undefined, { signal: controller.signal });
  const order = (server: WebServer, isUp: boolean): void => {
    child.send({ server, isUp } satisfies DemoOrder);
    tell(isUp ? `${server} is back` : `${server} breaks down, its connections are reset`);
  };
  const run = async (): Promise<void> => {
    await wait(FIRST_BREAKDOWN_MS);
    for (let i = 0; ; i++) {
      const server = WEB_SERVERS[(i + 1) % WEB_SERVERS.length];
      order(server, false);
      await wait(DOWN_MS);
      order(server, true);
      await wait(UP_MS);
    }
  };
  run().catch(() => undefined);
  return controller;
}

const COLORS: readonly Color[] = ['red', 'green', 'blue', 'grey', 'grey'];

/** Reads the status board. */
class Gauge {
  private readonly servers: readonly GaugedServer[];
  private readonly slot: ServerSlot = emptySlot();
  private readonly rates: Rate[];

  constructor(plan: Plan) {
    const names = [...WEB_SERVERS, ...ECHO_SERVERS];
    const servers = plan.upstreams.flatMap((upstream) => upstream.servers.map((server) => ({ upstream, server })));
    this.servers = servers.map(({ upstream, server }, i) => ({
      name: names[i],
      text: `${upstream.name}/${server.name}`,
      slot: server.firstSlot,
      weight: server.weight,
    }));
    this.rates = this.servers.map(() => new Rate());
  }

  /** Servers by the names that people see in the demo. */
  withNames(message: string): string {
    return this.servers.reduce((text, server) => text.replace(server.text, server.name), message);
  }

  rows(board: Board): DemoFrame['servers'] {
    return this.servers.map(({ name, slot, weight }, i) => {
      board.readServer(slot, this.slot);
      const total = sum(board, (worker) => worker.serverRequests(slot));
      return {
        name,
        color: COLORS[i],
        state: this.slot.state,
        share: this.slot.weight / (weight * WEIGHT_UNIT),
        perSecond: this.rates[i].perSecond(performance.now(), total),
        total,
      };
    });
  }

  failures(board: Board): number {
    return this.servers.reduce((all, { slot }) => all + sum(board, (worker) => worker.serverFailures(slot)), 0);
  }
}

interface GaugedServer {
  readonly name: string;
  /** As in a message of the keeper. */
  readonly text: string;
  readonly slot: number;
  readonly weight: number;
}

function sum(board: Board, of: (worker: WorkerRow) => number): number {
  let total = 0;
  for (let row = 0; row < board.shape.rows; row++) total += of(board.worker(row));
  return total;
}

/** How fast a counter grew in the last second or so. */
class Rate {
  private readonly readings: { readonly at: number; readonly total: number }[] = [];

  perSecond(now: number, total: number): number {
    this.readings.push({ at: now, total });
    while (this.readings.length > 2 && now - this.readings[1].at >= 1000) this.readings.shift();
    const [first] = this.readings;
    return now === first.at ? 0 : ((total - first.total) * 1000) / (now - first.at);
  }
}

/** A frame that is drawn over again on a terminal, or a line now and then elsewhere. */
class Screen {
  readonly events: string[] = [];
  private readonly isTerminal = process.stdout.isTTY;
  private readonly paint = process.env.NO_COLOR === undefined ? paint : noPaint;
  private timer: NodeJS.Timeout | undefined;
  private isDrawing = false;
  private giveBackKeys: () => void = () => undefined;

  /** Resolves when the user wants the end. */
  open(frame: () => DemoFrame): Promise<void> {
    const quit = this.isTerminal && process.stdin.isTTY ? this.awaitQuit() : new Promise<void>(() => undefined);
    if (this.isTerminal) {
      // The alternate screen, without a cursor.
      process.stdout.write('\u001b[?1049h\u001b[?25l');
      this.isDrawing = true;
      this.timer = setInterval(() => this.draw(frame()), FRAME_MS);
    } else {
      const { title, httpUrl, tcpAddress } = frame();
      process.stdout.write(`${title}\n${httpUrl}  ${tcpAddress}\n`);
      this.timer = setInterval(() => process.stdout.write(`${renderLine(frame())}\n`), LINE_MS);
    }
    return quit;
  }

  private awaitQuit(): Promise<void> {
    return new Promise((resolve) => {
      this.giveBackKeys = readKeys((key) => {
        if (key === 'q' || key === CTRL_C) resolve();
        else this.tell(`${keyName(key)} does nothing; q ends`);
      });
    });
  }

  /** Leaves the last frame behind. */
  close(frame: DemoFrame): void {
    clearInterval(this.timer);
    this.restore();
    const lines = this.isTerminal ? renderFrame(frame, terminalSize().columns, this.paint) : [renderLine(frame)];
    process.stdout.write(`${lines.join('\n')}\n`);
  }

  /** Gives the terminal back as it was, however the demo ends. Idempotent. */
  restore(): void {
    this.giveBackKeys();
    this.giveBackKeys = () => undefined;
    if (this.isTerminal && this.isDrawing) process.stdout.write('\u001b[?25h\u001b[?1049l');
    this.isDrawing = false;
  }

  tell(event: string): void {
    this.events.push(event);
    if (this.events.length > EVENTS_MAX) this.events.shift();
    if (!this.isTerminal) process.stdout.write(`${event}\n`);
  }

  private draw(frame: DemoFrame): void {
    const { columns, rows } = terminalSize();
    const lines = [...renderFrame(frame, columns, this.paint), '', '  q ends'].slice(0, rows);
    process.stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\n')}\u001b[J`);
  }
}
