/**
 * `npm run bench`: nginx, HAProxy and evenkeel side by side in one run, and the bare loop as this machine's limit; with
 * `--before DIRECTORY` also the build of evenkeel there, to see what a change costs.
 *
 * Absolute figures of a machine mean little, those of a shared one nothing; so every round runs all contenders one after the
 * other, and what counts is the median over the rounds of each round's own ratio.
 */
import { cpus, release } from 'node:os';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { contenders, startBackends, type Contender } from './contenders.ts';
import { type LoadResult, openIdle, runDatagrams, runH2load, runResumed, runWrk } from './load.ts';
import { cpuMicroseconds, killAll, privateBytes, type Started } from './process.ts';
import { renderChart, renderMarkdown } from './report.ts';
import { type IdleFigure, median, type Row, type Scenario } from './results.ts';

const PASSED_ON = { path: '/', connections: 64, target: { nginx: 1 } };
const SCENARIOS: readonly Scenario[] = [
  {
    name: 'keep-alive, 64 connections',
    path: '/',
    connections: 64,
    isSmallKeepAlive: true,
    target: { nginx: 0.85, haproxy: 0.8, 'bare loop': 1.05 },
  },
  {
    name: 'keep-alive, 512 connections',
    path: '/',
    connections: 512,
    isSmallKeepAlive: true,
    target: { nginx: 0.7, haproxy: 0.65, 'bare loop': 1.05 },
  },
  {
    name: 'new connection per request',
    path: '/',
    connections: 64,
    header: 'Connection: close',
    target: { nginx: 0.95, haproxy: 0.95 },
  },
  { name: 'access log, 64 connections', path: '/', connections: 64, listener: 'logged', target: { nginx: 0.8 } },
  {
    name: 'access log, as nginx with a buffer, 64 connections',
    path: '/',
    connections: 64,
    listener: 'buffered',
    target: { nginx: 0.95 },
  },
  { name: '16 KiB bodies', path: '/16KiB', connections: 64, target: { nginx: 0.95 } },
  { name: '1 MiB bodies, 16 connections', path: '/1MiB', connections: 16, target: { nginx: 0.75 } },
  { name: '1 MiB bodies, 64 connections', path: '/1MiB', connections: 64, target: { nginx: 0.75 } },
  ...[1, 6].flatMap((level) =>
    [2, 16].map((kib) => ({
      name: `gzip level ${level}, ${kib} KiB of text`,
      path: `/text-${kib * 1024}`,
      connections: 64,
      header: 'Accept-Encoding: gzip',
      listener: level === 1 ? ('gzip1' as const) : ('gzip6' as const),
      target: { nginx: level === 1 ? 1.15 : 0.8 },
    })),
  ),
  { name: 'TCP, small messages', path: '/', connections: 64, listener: 'tcp', target: { nginx: 1 } },
  {
    name: 'TCP, new connections',
    path: '/',
    connections: 64,
    header: 'Connection: close',
    listener: 'tcp',
    target: { nginx: 0.95, haproxy: 0.95 },
  },
  {
    name: 'TLS, keep-alive, 64 connections',
    path: '/',
    connections: 64,
    listener: 'tls',
    target: { nginx: 0.85, haproxy: 0.95 },
  },
  {
    name: 'TLS, keep-alive, 512 connections',
    path: '/',
    connections: 512,
    listener: 'tls',
    target: { nginx: 0.75, haproxy: 0.8 },
  },
  {
    name: 'TLS, new connection per request',
    path: '/',
    connections: 64,
    header: 'Connection: close',
    listener: 'tls',
    target: { nginx: 1.03, haproxy: 1.03 },
  },
  {
    name: 'TLS, resumed connection per request',
    path: '/',
    connections: 8,
    listener: 'tls',
    isResumed: true,
    target: { nginx: 1.03, haproxy: 1.03 },
  },
  { name: 'TLS, 16 KiB bodies', path: '/16KiB', connections: 64, listener: 'tls', target: { nginx: 0.9 } },
  { name: 'TLS, 1 MiB bodies, 16 connections', path: '/1MiB', connections: 16, listener: 'tls', target: { nginx: 1 } },
  { name: 'TLS by relay, small messages', listener: 'relay', ...PASSED_ON },
  { name: 'TLS by passthrough, small messages', listener: 'passthrough', ...PASSED_ON },
  { name: 'TLS by relay, new connections', listener: 'relay', header: 'Connection: close', ...PASSED_ON },
  { name: 'TLS by passthrough, new connections', listener: 'passthrough', header: 'Connection: close', ...PASSED_ON },
  ...(['h2c', 'h2'] as const).flatMap((listener) => {
    const name = listener === 'h2' ? 'HTTP/2 over TLS' : 'HTTP/2 in clear';
    return [
      {
        name: `${name}, 64 connections x 8 streams`,
        path: '/',
        connections: 64,
        streams: 8,
        listener,
        target: { nginx: 0.85, haproxy: 0.85 },
      },
      {
        name: `${name}, 8 connections x 32 streams`,
        path: '/',
        connections: 8,
        streams: 32,
        listener,
        target: { nginx: 0.85, haproxy: 0.85 },
      },
      {
        name: `${name}, 16 KiB bodies`,
        path: '/16KiB',
        connections: 16,
        streams: 8,
        listener,
        target: { nginx: 0.95, haproxy: 0.95 },
      },
    ];
  }),
  {
    name: 'UDP, each question from a new client',
    path: '',
    connections: 64,
    listener: 'dns',
    target: { nginx: 0.85 },
  },
  ...[1, 4, 16].map((underWay) => ({
    name: `UDP, long flows, ${underWay} under way`,
    path: '',
    connections: underWay === 16 ? 16 : 64,
    underWay,
    listener: 'udp' as const,
    target: { nginx: 0.67 },
  })),
  ...[1, 16, 64, 256].map((streams) => ({
    name: `TCP, bulk, ${streams} ${streams === 1 ? 'stream' : 'streams'}`,
    path: '/1MiB',
    connections: streams,
    listener: 'tcp' as const,
    target: { nginx: 0.75 },
  })),
];
const IN_CLEAR: ReadonlySet<string> = new Set(['http', 'tcp', 'logged', 'buffered', 'gzip1', 'gzip6', 'h2c']);
const IDLE_CONNECTIONS = 10_000;
const IDLE_TARGET_BYTES = { http: 2048, tls: 8192 };

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    before: { type: 'string', default: '' },
    out: { type: 'string', default: join(import.meta.dirname, '../../bench/out') },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) {
  console.log('npm run bench -- [--seconds 4] [--rounds 5] [--only TEXT] [--before DIRECTORY] [--out DIRECTORY]');
} else {
  try {
    await main(Number(options.seconds), Number(options.rounds));
  } finally {
    killAll();
  }
}

async function main(seconds: number, rounds: number): Promise<void> {
  const backends = await startBackends();
  const all = contenders(options.before);
  const scenarios = SCENARIOS.filter((scenario) => scenario.name.includes(options.only));
  const started = new Map<Contender, Started>();
  for (const contender of all) started.set(contender, await contender.start());
  const rows: Row[] = [];
  for (const scenario of scenarios) rows.push(await runScenario(scenario, all, started, seconds, rounds));
  const idle = [];
  for (const listener of ['http', 'tls'] as const) {
    if (`idle ${listener}`.includes(options.only)) idle.push(...(await measureIdle(all, started, listener)));
  }
  for (const one of started.values()) await one.stop();
  await backends.stop();

  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}, Node ${process.version}`;
  const versions = all.map((contender) => `${contender.name} ${contender.version}`).join(', ');
  const text = renderMarkdown({ machine, versions, seconds, rounds, rows, idle, idleTargetBytes: IDLE_TARGET_BYTES });
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'results.md'), text);
  writeFileSync(join(options.out, 'results.svg'), renderChart(rows));
  console.log(text);
}

async function runScenario(
  scenario: Scenario,
  all: readonly Contender[],
  started: ReadonlyMap<Contender, Started>,
  seconds: number,
  rounds: number,
): Promise<Row> {
  const { listener = 'http' } = scenario;
  const able = all.filter(
    ({ isBare, ports }) =>
      ports[listener] > 0 && (isBare !== true || listener !== 'http' || scenario.isSmallKeepAlive === true),
  );
  const row: Row = { scenario, samples: new Map(able.map((contender) => [contender.name, []])) };
  for (let round = -1; round < rounds; round++) {
    for (const contender of able) {
      const port = contender.ports[listener];
      const pids = (started.get(contender) as Started).pids();
      const before = cpuMicroseconds(pids);
      const isWarmUp = round < 0;
      const load = await runLoad(scenario, port, isWarmUp ? 1 : seconds);
      if (load.errors > 0) console.error(`${contender.name}, ${scenario.name}: ${load.errors} errors`);
      const cpuUs = (cpuMicroseconds(pids) - before) / load.requests;
      if (!isWarmUp) row.samples.get(contender.name)?.push({ ...load, cpuUs, memoryBytes: privateBytes(pids) });
      await sleep(100);
    }
  }
  const figures = [...row.samples].map(
    ([name, samples]) => `${name} ${median(samples.map((s) => s.cpuUs)).toFixed(2)}`,
  );
  console.error(`${scenario.name}: CPU µs per request: ${figures.join(', ')}`);
  return row;
}

function runLoad(scenario: Scenario, port: number, seconds: number): Promise<LoadResult> {
  const { connections, header, isResumed = false, listener = 'http', path, streams = 0, underWay = 1 } = scenario;
  if (listener === 'udp' || listener === 'dns') {
    return runDatagrams(port, connections, underWay, listener === 'dns', seconds);
  }
  if (isResumed) return runResumed(port, path, connections, seconds);
  const scheme = IN_CLEAR.has(listener) ? 'http' : 'https';
  if (streams > 0) return runH2load(scheme, port, path, connections, streams, seconds);
  return runWrk(scheme, port, path, connections, seconds, header);
}

/** Memory that one idle keep-alive connection costs, in bytes. */
async function measureIdle(
  all: readonly Contender[],
  started: ReadonlyMap<Contender, Started>,
  listener: 'http' | 'tls',
): Promise<IdleFigure[]> {
  const result: IdleFigure[] = [];
  for (const contender of all) {
    if (contender.isBare === true || contender.ports[listener] === 0) continue;
    const pids = (started.get(contender) as Started).pids();
    const before = privateBytes(pids);
    const count = Math.min(IDLE_CONNECTIONS, contender.connectionsMax);
    const close = await openIdle(contender.ports[listener], count, listener === 'tls');
    await sleep(1000);
    result.push({ name: contender.name, listener, bytes: (privateBytes(pids) - before) / count });
    close();
    await sleep(500);
  }
  return result;
}
