/**
 * `npm run bench:stalled`: what everybody else gets from a proxy while thousands of clients stand still on it or read slowly.
 * One row per engine (or nginx) and kind of crowd: latency before and beside it, what became of the crowd, and the TCP memory of the
 * machine at its peak. See docs/limits.md.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/io/contract/free-port.ts';
import { cpuMicroseconds, killAll, type Started, startPinned, waitForPort } from '../process.ts';
import type { CrowdKind, CrowdReport } from './crowd-process.ts';
import { Bystanders, formatLatency, type Latency } from './bystanders.ts';

const KINDS: readonly CrowdKind[] = ['http', 'tcp', 'websocket', 'upload', 'slow'];
const PROXY_CORE = 0;
/** Of the proxy's descriptors: an eighth is kept for connections to servers, and others than the crowd come too. */
const CROWD_SHARE = 0.8;

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    slow: { type: 'string', default: '6000' },
    seconds: { type: 'string', default: '15' },
    engine: { type: 'string', default: 'uring,node' },
    kinds: { type: 'string', default: KINDS.join(',') },
    program: { type: 'string', default: join(import.meta.dirname, '../../../bin/evenkeel') },
  },
});

interface Row {
  readonly engine: string;
  readonly kind: CrowdKind;
  readonly connected: number;
  readonly before: Latency;
  readonly arriving: Latency;
  readonly beside: Latency;
  readonly crowd: CrowdReport;
  readonly buffers: string;
  readonly tcpMebibytes: number;
  readonly cpuPercent: number;
  readonly stopMs: number;
}

async function main(): Promise<void> {
  const rows: Row[] = [];
  for (const engine of options.engine.split(',')) {
    for (const kind of KINDS.filter((one) => options.kinds.split(',').includes(one))) {
      const row = await measure(engine, kind);
      rows.push(row);
      console.log(line(row));
    }
  }
  console.log(`\n${HEAD}\n${rows.map(line).join('\n')}`);
}

const HEAD = `| engine | crowd | before: p50 / p99 / max ms | while it comes | beside it | failed | crowd ended | done | buffers | TCP memory | CPU | stop heard |
|---|---|---|---|---|---|---|---|---|---|---|---|`;

function line(row: Row): string {
  const { engine, kind, crowd, beside } = row;
  const cells = [
    engine,
    `${row.connected} ${kind}`,
    formatLatency(row.before),
    formatLatency(row.arriving),
    formatLatency(beside),
    `${row.arriving.failed + beside.failed} of ${row.arriving.count + beside.count}`,
    `${crowd.ended}`,
    `${crowd.done}`,
    row.buffers,
    `${row.tcpMebibytes} MiB`,
    `${row.cpuPercent.toFixed(0)} %`,
    `${row.stopMs.toFixed(0)} ms`,
  ];
  return `| ${cells.join(' | ')} |`;
}

async function measure(engine: string, kind: CrowdKind): Promise<Row> {
  const descriptors = Number(
    execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).replace('unlimited', '1000000'),
  );
  const wanted = Number(kind === 'slow' ? options.slow : options.count);
  const count = Math.min(wanted, Math.floor((descriptors * CROWD_SHARE) / 2));
  const server = fork(join(import.meta.dirname, 'server-process.js'));
  const [ports] = (await once(server, 'message')) as [[number, number]];
  const proxy = engine === 'nginx' ? await startNginx(ports, descriptors) : await startEvenkeel(engine, kind, ports);
  const seconds = Number(options.seconds);
  const memory = watchTcpMemory();
  const bystanders = new Bystanders({ port: proxy.httpPort, isTls: false, opensNew: true });
  try {
    await bystanders.measure(2);
    const before = await bystanders.measure(seconds);
    const port = kind === 'tcp' ? proxy.tcpPort : proxy.httpPort;
    const crowd = fork(join(import.meta.dirname, 'crowd-process.js'), [kind, `${port}`, `${count}`]);
    let report: CrowdReport = { connected: 0, done: 0, ended: 0, longestPauseMs: 0 };
    crowd.on('message', (message) => (report = message as CrowdReport));
    const cpuBefore = cpuMicroseconds(proxy.started.pids());
    const began = performance.now();
    // while the crowd comes, it and its servers need the machine
    const arriving = await bystanders.measure(Math.ceil(count / 2000) + 5);
    const beside = await bystanders.measure(kind === 'slow' ? Math.max(seconds, 90) : seconds);
    const cpuUs = cpuMicroseconds(proxy.started.pids()) - cpuBefore;
    const cpuPercent = cpuUs / 10 / (performance.now() - began);
    const buffers = proxy.buffers();
    // what ends from here on is ended by the stop
    const row = { engine, kind, connected: report.connected, before, arriving, beside, crowd: report, buffers };
    const stopMs = await proxy.stop();
    await end(crowd);
    return { ...row, tcpMebibytes: memory(), cpuPercent, stopMs };
  } finally {
    bystanders.close();
    await end(server);
    killAll();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

interface RunningProxy {
  readonly started: Started;
  readonly httpPort: number;
  readonly tcpPort: number;
  buffers(): string;
  /** Tells it to stop; how long until it accepted no more. */
  stop(): Promise<number>;
}

async function startEvenkeel(
  engine: string,
  kind: CrowdKind,
  [httpServer, tcpServer]: [number, number],
): Promise<RunningProxy> {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-stalled-'));
  const file = join(directory, 'evenkeel.yaml');
  const control = join(directory, 'control.sock');
  const httpPort = await freePort();
  const tcpPort = await freePort();
  writeFileSync(
    file,
    `grace: 1s
listeners:
  web: { bind: "127.0.0.1:${httpPort}", timeouts: { body: ${kind === 'slow' ? '30s' : '10m'} }, routes: [{ upstream: web }] }
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: tcp }
upstreams:
  web: { servers: ["127.0.0.1:${httpServer}"], timeouts: { response: 10m } }
  tcp: { servers: ["127.0.0.1:${tcpServer}"] }
`,
  );
  const args = [options.program, 'run', file, '--engine', engine, '--workers', '1', '--socket', control];
  const started = startPinned('evenkeel', PROXY_CORE, process.execPath, args);
  await waitForPort(httpPort);
  const buffers = (): string => {
    const text = execFileSync(process.execPath, [options.program, 'status', '--json', '--socket', control], {
      encoding: 'utf8',
    });
    const { proxies } = JSON.parse(text) as {
      proxies: { memory?: { largeMax: number; smallMax: number; shed: number } }[];
    };
    const [{ memory }] = proxies;
    return memory === undefined ? '?' : `${memory.largeMax} large, ${memory.smallMax} small, ${memory.shed} shed`;
  };
  return { started, httpPort, tcpPort, buffers, stop: () => stop(started, httpPort) };
}

/** One worker on the same core, with what it has by default but for its limits, for comparison. */
async function startNginx([httpServer, tcpServer]: [number, number], descriptors: number): Promise<RunningProxy> {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-stalled-'));
  const file = join(directory, 'nginx.conf');
  const httpPort = await freePort();
  const tcpPort = await freePort();
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(directory, name)};`)
    .join(' ');
  writeFileSync(
    file,
    `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root; worker_processes 1; daemon off; pid ${join(directory, 'pid')}; error_log ${join(directory, 'log')};
worker_rlimit_nofile ${descriptors}; events { worker_connections ${descriptors}; }
http {
  access_log off; send_timeout 600s; client_max_body_size 0; ${paths}
  upstream web { server 127.0.0.1:${httpServer}; keepalive 1024; }
  server { listen 127.0.0.1:${httpPort} backlog=4096; location / {
    proxy_pass http://web; proxy_http_version 1.1; proxy_request_buffering off; proxy_max_temp_file_size 0;
    proxy_set_header Connection $http_connection; proxy_set_header Upgrade $http_upgrade; proxy_send_timeout 600s; } }
}
stream { server { listen 127.0.0.1:${tcpPort} backlog=4096; proxy_pass 127.0.0.1:${tcpServer}; } }
`,
  );
  const started = startPinned('nginx', PROXY_CORE, 'nginx', ['-p', directory, '-c', file]);
  await waitForPort(httpPort);
  return { started, httpPort, tcpPort, buffers: () => '', stop: () => stop(started, httpPort) };
}

async function stop(started: Started, port: number): Promise<number> {
  const began = performance.now();
  const stopped = started.stop();
  while (await accepts(port)) await sleep(10);
  const took = performance.now() - began;
  await stopped;
  return took;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** The highest TCP memory of the machine until it is asked, in MiB. */
function watchTcpMemory(): () => number {
  let pages = 0;
  const look = (): void => {
    const text = readFileSync('/proc/net/sockstat', 'utf8');
    pages = Math.max(pages, Number(/^TCP: .* mem ([0-9]+)/m.exec(text)?.[1]));
  };
  look();
  const timer = setInterval(look, 250);
  return () => {
    clearInterval(timer);
    return Math.round(pages / 256);
  };
}

try {
  await main();
} finally {
  killAll();
}
