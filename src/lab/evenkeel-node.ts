/** evenkeel itself on one load balancer of the pair: started from one file for both, asked, stopped. */
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import {
  ADDRESSES,
  type Balancer,
  BALANCERS,
  CLIENT,
  type Pair,
  PREFIX_LENGTH,
  PREFIX_LENGTH_6,
  VIRTUAL_ADDRESS,
  VIRTUAL_ADDRESS_6,
  WEB_PORT,
  WEB_SERVERS,
} from './pair.ts';
import { commandLineOf, type HostProcess } from './processes.ts';
import { LabError } from './system.ts';

export const ROUTER = 'VI_1';
export const ROUTER_ID = 50;
export const PRIORITIES: Readonly<Record<Balancer, number>> = { lb01: 150, lb02: 100 };

export interface HaOptions {
  readonly intervalMs: number;
  /** Of the virtual address. */
  readonly family: 4 | 6;
  readonly hasVirtualMac: boolean;
  /** Against two active nodes: see docs/split-brain.md. Null: evenkeel's default. */
  readonly probesAddress: boolean | null;
  readonly guardsGateway: boolean;
  /** Of the web servers behind them. */
  readonly serverPort: number;
}

export const DEFAULT_HA: HaOptions = {
  intervalMs: 1000,
  family: 4,
  hasVirtualMac: false,
  probesAddress: null,
  guardsGateway: false,
  serverPort: WEB_PORT,
};

/** After how long of silence lb02 takes the address: three adverts and its skew (RFC 9568 section 6.1). */
export function downIntervalMs(intervalMs: number): number {
  return 3 * intervalMs + ((256 - PRIORITIES.lb02) * intervalMs) / 256;
}

/** The evenkeel.yaml of both. */
export function configurationOf({
  intervalMs,
  family,
  hasVirtualMac,
  probesAddress,
  guardsGateway,
  serverPort,
}: HaOptions): string {
  const addresses =
    family === 4
      ? `${VIRTUAL_ADDRESS}/${PREFIX_LENGTH}`
      : `"fe80::${ROUTER_ID}/64", "${VIRTUAL_ADDRESS_6}/${PREFIX_LENGTH_6}"`;
  const guards = [
    ...(probesAddress === null ? [] : [`arp-probe: ${probesAddress}`]),
    ...(guardsGateway ? [`gateway: ${ADDRESSES[CLIENT]}`] : []),
  ];
  const priorities = BALANCERS.map((name) => `${name}: ${PRIORITIES[name]}`).join(', ');
  return `listeners:
  web: { bind: "*:${WEB_PORT}", protocol: http, routes: [ { upstream: web } ] }

upstreams:
  web:
    servers: [ ${WEB_SERVERS.map((name) => `"${ADDRESSES[name]}:${serverPort}"`).join(', ')} ]
    health: { http: /, interval: 1s, timeout: 500ms }

ha:
  ${ROUTER}:
    interface: eth0
    router-id: ${ROUTER_ID}
    priority: { ${priorities} }
    advertise: ${intervalMs}ms
    addresses: [ ${addresses} ]
    virtual-mac: ${hasVirtualMac}
    track: [ { proxy: true }, { interface: eth0 } ]
    guard: { ${guards.join(', ')} }
`;
}

/** Of what `evenkeel status --json` says, what the lab shows. */
export interface NodeStatus {
  readonly state: string;
  /** Null: nothing is known of it yet. */
  readonly stateAgeMs: number | null;
  readonly priority: number | null;
  readonly fault: string | null;
  readonly evidence: string | null;
}

const ASK_MS_MAX = 500;

export class EvenkeelNode {
  readonly host: Balancer;
  /** Lines that it says. */
  private readonly onLine: (line: string) => void;
  private readonly pair: Pair;
  private readonly program: readonly string[];
  private readonly socketPath: string;
  private process: HostProcess | null = null;

  constructor(
    pair: Pair,
    host: Balancer,
    program: readonly string[],
    onLine: (line: string) => void = () => undefined,
  ) {
    this.pair = pair;
    this.host = host;
    this.program = program;
    this.onLine = onLine;
    this.socketPath = join(pair.network.directory, `${host}.sock`);
  }

  /** Resolves when it is ready: its listeners accept, and it takes part. */
  async start(ha: HaOptions): Promise<void> {
    const directory = join(this.pair.network.directory, this.host);
    mkdirSync(directory, { recursive: true });
    const file = join(directory, 'evenkeel.yaml');
    writeFileSync(file, configurationOf(ha));
    const command = ['run', file, '--node', this.host, '--workers', '1', '--socket', this.socketPath];
    await new Promise<void>((resolve, reject) => {
      this.process = this.pair.run(this.host, [...this.program, ...command], {
        // What a node that is killed has left to undo stays in the lab, and goes with it.
        env: { RUNTIME_DIRECTORY: directory },
        onLine: (line) => {
          if (/^evenkeel \S+ ready: /.test(line)) resolve();
          this.onLine(line);
        },
      });
      const { process } = this;
      void process.exit.then((code) => reject(new LabError(`${this.host} ended (${code}):\n${process.output}`)));
    });
  }

  /** As a service manager does it. Resolves when it is gone. */
  async stop(): Promise<void> {
    await this.process?.end('SIGTERM');
  }

  /** SIGTERM, without waiting for the end. */
  askToStop(): void {
    this.process?.child.kill('SIGTERM');
  }

  /** Of its keeper. */
  get pid(): number {
    if (this.process === null) throw new LabError(`${this.host} was never started`);
    return this.process.pid;
  }

  get isRunning(): boolean {
    return this.process?.isRunning === true;
  }

  pids(part: 'node' | 'owner and supervisor' | 'owner' | 'proxy'): number[] {
    const all = this.pair.processes(this.host);
    const named = (name: RegExp): number[] => all.filter((pid) => name.test(commandLineOf(pid)));
    // Not the one that stands by for it.
    const owner = named(/^evenkeel: vip\s*$/);
    const proxy = named(/^evenkeel: proxy/);
    const keeper = all.filter((pid) => pid === this.process?.pid);
    return { node: all, 'owner and supervisor': [...keeper, ...owner], owner, proxy }[part];
  }

  /** Null: it does not answer. */
  async status(): Promise<NodeStatus | null> {
    try {
      const { ha } = (await this.ask('GET', '/v1/status')) as StatusDocument;
      const router = ha?.routers.find(({ name }) => name === ROUTER);
      if (router === undefined) return null;
      const { state, account, evidence } = router;
      return {
        state,
        stateAgeMs: account?.stateAgeMs ?? null,
        priority: account?.priority ?? null,
        fault: account?.fault ?? null,
        evidence: evidence[0]?.detail ?? null,
      };
    } catch {
      return null;
    }
  }

  async handOver(): Promise<void> {
    await this.ask('POST', `/v1/routers/${ROUTER}/hand-over`);
  }

  async resume(): Promise<void> {
    await this.ask('POST', `/v1/routers/${ROUTER}/resume`);
  }

  /** What `evenkeel status` and its like do; without a process each time. */
  private ask(method: string, path: string): Promise<unknown> {
    const { socketPath, host } = this;
    const signal = AbortSignal.timeout(ASK_MS_MAX);
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new LabError(`${host} does not answer`));
      const request = http.request({ socketPath, method, path, agent: false, signal }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
        });
        response.on('error', fail);
        response.on('end', () => {
          if (response.statusCode! < 300) resolve(text === '' ? null : JSON.parse(text));
          else reject(new LabError(`${host} refuses: ${text.trim()}`));
        });
      });
      request.on('error', fail);
      request.end();
    });
  }
}

interface StatusDocument {
  readonly ha: {
    readonly routers: readonly {
      readonly name: string;
      readonly state: string;
      readonly account: {
        readonly stateAgeMs: number;
        readonly priority: number;
        readonly fault: string | null;
      } | null;
      readonly evidence: readonly { readonly detail: string }[];
    }[];
  } | null;
}
