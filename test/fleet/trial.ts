/** One thing that happens to a balancer of a fleet while clients come, and what became of their requests. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicMs } from '../../src/lab/clock.ts';
import { HostProcess, killAtOnce, processesIn, signalAll } from '../../src/lab/processes.ts';
import { program } from '../evenkeel.ts';
import { until } from '../waiting.ts';
import { ADDRESS, ANNOUNCED, Fleet, type FleetOptions, LEAVING } from './lab.ts';

export type By = NonNullable<FleetOptions['by']>;

export const EVENTS = {
  'evenkeel killed, all of it': async (trial) => void killAtOnce(trial.own()),
  'its keeper killed, and started after 1 s': async (trial) => {
    trial.keeper!.child.kill('SIGKILL');
    await pause(1_000);
    await trial.startEvenkeel(FIRST);
  },
  'evenkeel frozen, all of it': async (trial) => void signalAll(trial.own(), 'SIGSTOP'),
  'its server killed': async (trial) => trial.webServer!.end('SIGKILL'),
  'node without power': async (trial) => {
    // nothing that its kernel says at the end gets out
    await trial.fleet.network.cutLink(FIRST);
    killAtOnce(processesIn(trial.fleet.network.namespace(FIRST)));
  },
  'cut off, with a carrier': async (trial) => trial.fleet.network.isolate(FIRST),
  'BIRD killed': async (trial) => void (trial.by !== 'static' && trial.fleet.birdOf(FIRST).child.kill('SIGKILL')),
  drained: async (trial) => trial.order('node', 'drain'),
  'a clean stop': async (trial) => trial.keeper!.end('SIGTERM'),
  upgrade: async (trial) => trial.order('upgrade'),
} satisfies Record<string, (trial: Trial) => Promise<unknown>>;
export type EventName = keyof typeof EVENTS;

/** What happens, happens to this one. */
const FIRST = 'lb01';
const NODES = [FIRST, 'lb02', 'lb03'];
/** One beside each balancer. */
const WEB_SERVER = `require('http').createServer((request, response) => response.end('well\\n')).listen(81)`;
/** A request each of so many milliseconds, each by a connection of its own. */
const INTERVAL_MS = 5;
/** Shorter than a second: a lost SYN is then a failure and no delay. */
const DEADLINE_MS = 500;
const BEFORE_MS = 1_000;
/** Then whatever follows from it has followed, or never does. */
const AFTER_MS = 8_000;

export interface TrialResult {
  readonly by: By;
  readonly event: EventName;
  readonly requests: number;
  readonly failed: number;
  /** From the first request that failed to the last one; 0: none did. */
  readonly failingMs: number;
  /** Some failed until the end. */
  readonly hasNoEnd: boolean;
}

export class Trial {
  readonly by: By;
  readonly fleet: Fleet;
  keeper: HostProcess | null = null;
  webServer: HostProcess | null = null;

  static async run(by: By, event: EventName): Promise<TrialResult> {
    const fleet = await Fleet.create({ nodes: NODES, by, hasBfd: true });
    try {
      return await new Trial(by, fleet).measure(event);
    } finally {
      await fleet.remove();
    }
  }

  private constructor(by: By, fleet: Fleet) {
    this.by = by;
    this.fleet = fleet;
  }

  async startEvenkeel(node: string): Promise<void> {
    const { fleet } = this;
    const directory = join(fleet.network.directory, node);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'evenkeel.yaml'), this.config(node));
    const args = ['run', join(directory, 'evenkeel.yaml'), '--workers', '1', '--socket', this.socket(node)];
    const started = new HostProcess(fleet.network.namespace(node), [process.execPath, program, ...args], {
      env: { RUNTIME_DIRECTORY: directory, STATE_DIRECTORY: directory },
    });
    if (node === FIRST) this.keeper = started;
    await until(
      () => started.output.includes(' ready: '),
      () => started.output,
    );
  }

  /** What of evenkeel runs on the node. */
  own(): number[] {
    const bird = this.by === 'static' ? 0 : this.fleet.birdOf(FIRST).pid;
    const others = new Set([bird, this.webServer!.pid]);
    return processesIn(this.fleet.network.namespace(FIRST)).filter((pid) => !others.has(pid));
  }

  async order(...words: string[]): Promise<void> {
    const command = [process.execPath, program, ...words, '--socket', this.socket(FIRST)];
    await new HostProcess(this.fleet.network.namespace(FIRST), command).exit;
  }

  private async measure(event: EventName): Promise<TrialResult> {
    const { by, fleet } = this;
    for (const node of NODES) {
      const server = new HostProcess(fleet.network.namespace(node), [process.execPath, '-e', WEB_SERVER]);
      if (node === FIRST) this.webServer = server;
      await this.startEvenkeel(node);
    }
    await fleet.hasWays(...NODES);
    const client = fleet.startClient(INTERVAL_MS, DEADLINE_MS);
    await client.served(BEFORE_MS);
    client.restart();
    const happened = (EVENTS as Record<EventName, (trial: Trial) => Promise<unknown>>)[event](this);
    await pause(AFTER_MS);
    await happened;
    await client.settled();
    const { all, answered, failed } = client.outages;
    await client.stop();
    const nowMs = monotonicMs();
    const lastMs = all.at(-1)?.toMs ?? nowMs;
    return {
      by,
      event,
      requests: answered + failed,
      failed,
      failingMs: failed === 0 ? 0 : lastMs - all[0].fromMs,
      hasNoEnd: failed > 0 && nowMs - lastMs < 10 * DEADLINE_MS,
    };
  }

  private socket(node: string): string {
    return join(this.fleet.network.directory, `${node}.sock`);
  }

  private config(node: string): string {
    const announce = `
announce:
  web:
    addresses: [${ADDRESS}]
    interface: ${ANNOUNCED}
    graceful: { interface: ${LEAVING}, for: 3s }
    bird: ${this.fleet.birdSocket(node)}
    track: [{ proxy: true }, { upstream: web }]
`;
    return `
listeners: { web: { bind: "*:80", routes: [{ upstream: web }] } }
upstreams: { web: { servers: ["127.0.0.1:81"], health: { http: /, interval: 500ms, timeout: 500ms, rise: 1, fall: 2 } } }
${this.by === 'evenkeel' ? announce : ''}`;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
