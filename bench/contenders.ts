/**
 * The proxies that are compared, each with one worker on core 0 and with the same semantics: keep-alive to two backends in
 * turn, X-Forwarded-For, -Proto, -Host and X-Request-Id set, no access log but where that is what is measured.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPinned, waitForPort, type Started } from './process.ts';

export const PROXY_CORE = 0;
export const LOAD_CORE = 1;
const DESCRIPTORS = Number(
  execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).replace('unlimited', '65536'),
);
/** HAProxy does not start unless it may have two descriptors for each. */
const HAPROXY_CONNECTIONS = Math.floor((DESCRIPTORS - 200) / 2);
const BACKEND_PORTS = [19001, 19002];
const TLS_BACKEND_PORTS = [19003, 19004];
const UDP_BACKEND_PORTS = [19005, 19006];

/**
 * What a listener does: HTTP; TCP; HTTP over TLS 1.3, which ends there; TLS that is passed on by its ClientHello; and the same TLS passed on as any TCP,
 * which that is compared with. Of datagrams: sessions that end by silence, and those that end with one answer. HTTP with an access log in the form
 * `combined`: as nginx writes it by default, a line at a time, and as it does with a buffer; evenkeel has one way. HTTP whose responses are
 * compressed at level 1 or 6. HTTP/2 in clear, and over TLS 1.3.
 */
export type ListenerKind =
  | 'http'
  | 'tcp'
  | 'tls'
  | 'passthrough'
  | 'relay'
  | 'udp'
  | 'dns'
  | 'logged'
  | 'buffered'
  | 'gzip1'
  | 'gzip6'
  | 'h2c'
  | 'h2';

const NO_PORTS = {
  http: 0,
  tcp: 0,
  tls: 0,
  passthrough: 0,
  relay: 0,
  udp: 0,
  dns: 0,
  logged: 0,
  buffered: 0,
  gzip1: 0,
  gzip6: 0,
  h2c: 0,
  h2: 0,
};

export interface Contender {
  readonly name: string;
  readonly version: string;
  /** 0: it has none. */
  readonly ports: Readonly<Record<ListenerKind, number>>;
  /** Clients it can have with this process's limit of descriptors. */
  readonly connectionsMax: number;
  /** Of HTTP it can do nothing but small keep-alive requests. */
  readonly isBare?: boolean;
  start(): Promise<Started>;
}

export const SIZES = { small: 62, '16KiB': 16 * 1024, '1MiB': 1024 * 1024 } as const;

/** Of prose, which is compressed. */
const TEXT_SIZES = [2048, 16384];

const directory = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
const files = join(directory, 'files');

const certificate = join(directory, 'certificate.pem');
const key = join(directory, 'key.pem');

/** One of P-256, the same for all. */
function makeCertificate(): void {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const subject = ['-subj', '/CN=bench.test', '-addext', 'subjectAltName=DNS:bench.test'];
  const files = ['-keyout', key, '-out', certificate, '-days', '30'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...files, ...subject], { stdio: 'ignore' });
}

/** Two nginx backends in one process on the load's core, serving one file per size, in clear and by TLS; and two that send datagrams back. */
export async function startBackends(): Promise<Started> {
  makeCertificate();
  mkdirSync(files);
  chmodSync(directory, 0o755); // nginx's worker is another user
  for (const [name, size] of Object.entries(SIZES)) writeFileSync(join(files, name), 'x'.repeat(size));
  const text = readFileSync(join(import.meta.dirname, '../../docs/architecture.md'));
  for (const size of TEXT_SIZES) writeFileSync(join(files, `text-${size}`), text.subarray(0, size));
  const listens = [
    ...BACKEND_PORTS.map((port) => `listen 127.0.0.1:${port} backlog=4096;`),
    ...TLS_BACKEND_PORTS.map((port) => `listen 127.0.0.1:${port} ssl backlog=4096;`),
    `ssl_certificate ${certificate}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;`,
  ].join(' ');
  const config = nginxConfig(
    'backend',
    `server { ${listens} open_file_cache max=10; root ${files}; location = / { return 200 "${'x'.repeat(62)}"; } }`,
    '',
  );
  const started = startPinned('backends', LOAD_CORE, 'nginx', ['-c', config]);
  const echo = join(import.meta.dirname, 'datagrams/echo-process.js');
  const datagrams = startPinned('echo', LOAD_CORE, process.execPath, [echo, ...UDP_BACKEND_PORTS.map(String)]);
  await waitForPort(BACKEND_PORTS[0]);
  return {
    name: 'backends',
    pids: () => [...started.pids(), ...datagrams.pids()],
    stop: async () => {
      await Promise.all([started.stop(), datagrams.stop()]);
    },
  };
}

function nginxConfig(name: string, http: string, stream: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(directory, `${name}-${kind}`)};`)
    .join(' ');
  const path = join(directory, `${name}.conf`);
  writeFileSync(
    path,
    `${stream === '' ? '' : 'load_module /usr/lib/nginx/modules/ngx_stream_module.so;'}
worker_processes 1; daemon off; pid ${join(directory, `${name}.pid`)}; error_log ${join(directory, `${name}.log`)};
worker_rlimit_nofile ${DESCRIPTORS}; events { worker_connections ${DESCRIPTORS}; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 300s; ${temporary}
${http} }
${stream}`,
  );
  return path;
}

function loggingServer(port: number, options: string): string {
  return httpServer(port, `access_log ${join(directory, `nginx-${port}.log`)} combined${options};`);
}

function compressingServer(port: number, level: number): string {
  return httpServer(port, `gzip on; gzip_vary on; gzip_types text/plain; gzip_comp_level ${level};`);
}

function httpServer(port: number, options: string): string {
  return `server { listen 127.0.0.1:${port} backlog=4096; ${options} location / {
  proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Request-Id $request_id; } }`;
}

function nginx(): Contender {
  const upstream = BACKEND_PORTS.map((port) => `server 127.0.0.1:${port};`).join(' ');
  const http = `upstream web { ${upstream} keepalive 1024; keepalive_requests 1000000000; }
server { listen 127.0.0.1:18001 backlog=4096; listen 127.0.0.1:18021 ssl backlog=4096;
  listen 127.0.0.1:18091 http2 backlog=4096; listen 127.0.0.1:18101 ssl http2 backlog=4096;
  ssl_certificate ${certificate}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3; location / {
  proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Request-Id $request_id; } }`;
  const logging = [loggingServer(18071, ''), loggingServer(18081, ' buffer=32k flush=1s')];
  const all = [http, ...logging, compressingServer(18111, 1), compressingServer(18121, 6)].join('\n');
  const secure = TLS_BACKEND_PORTS.map((port) => `server 127.0.0.1:${port};`).join(' ');
  const stream = `stream { upstream web { ${upstream} } server { listen 127.0.0.1:18011 backlog=4096; proxy_pass web; }
upstream secure { ${secure} } map $ssl_preread_server_name $by_name { other.test web; default secure; }
server { listen 127.0.0.1:18031 backlog=4096; ssl_preread on; proxy_pass $by_name; }
server { listen 127.0.0.1:18041 backlog=4096; proxy_pass secure; }
upstream datagrams { ${UDP_BACKEND_PORTS.map((port) => `server 127.0.0.1:${port};`).join(' ')} } proxy_timeout 5s;
server { listen 127.0.0.1:18051 udp rcvbuf=4m; proxy_pass datagrams; }
server { listen 127.0.0.1:18061 udp rcvbuf=4m; proxy_pass datagrams; proxy_responses 1; } }`;
  return {
    name: 'nginx',
    version: firstMatch('nginx', ['-v'], /nginx\/([0-9.]+)/),
    ports: {
      http: 18001,
      tcp: 18011,
      tls: 18021,
      passthrough: 18031,
      relay: 18041,
      udp: 18051,
      dns: 18061,
      logged: 18071,
      buffered: 18081,
      gzip1: 18111,
      gzip6: 18121,
      h2c: 18091,
      h2: 18101,
    },
    connectionsMax: DESCRIPTORS - 2000,
    start: () => startAndWait('nginx', 'nginx', ['-c', nginxConfig('nginx', all, stream)], 18001),
  };
}

function haproxyServers(ports: readonly number[]): string {
  return ports.map((port, i) => `  server s${i} 127.0.0.1:${port}\n`).join('');
}

function haproxy(): Contender {
  const path = join(directory, 'haproxy.cfg');
  const pair = join(directory, 'haproxy.pem');
  writeFileSync(pair, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
  const servers = haproxyServers(BACKEND_PORTS);
  const secure = haproxyServers(TLS_BACKEND_PORTS);
  writeFileSync(
    path,
    `global
  nbthread 1
  maxconn ${HAPROXY_CONNECTIONS}
defaults
  timeout connect 3s
  timeout client 300s
  timeout server 300s
frontend web
  mode http
  bind 127.0.0.1:18002 backlog 4096
  bind 127.0.0.1:18022 ssl crt ${pair} backlog 4096
  bind 127.0.0.1:18092 proto h2 backlog 4096
  bind 127.0.0.1:18102 ssl crt ${pair} alpn h2 backlog 4096
  default_backend web
backend web
  mode http
  balance roundrobin
  http-reuse always
  option forwardfor
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Request-Id %[uuid()]
${servers}
listen tcp
  mode tcp
  bind 127.0.0.1:18012 backlog 4096
  balance roundrobin
${servers}
frontend passthrough
  mode tcp
  bind 127.0.0.1:18032 backlog 4096
  tcp-request inspect-delay 5s
  tcp-request content accept if { req.ssl_hello_type 1 }
  use_backend other if { req.ssl_sni other.test }
  default_backend secure
backend other
  mode tcp
${servers}
backend secure
  mode tcp
  balance roundrobin
${secure}
listen relay
  mode tcp
  bind 127.0.0.1:18042 backlog 4096
  balance roundrobin
${secure}`,
  );
  return {
    name: 'haproxy',
    version: firstMatch('haproxy', ['-v'], /version ([0-9.]+)/),
    ports: {
      ...NO_PORTS,
      http: 18002,
      tcp: 18012,
      tls: 18022,
      passthrough: 18032,
      relay: 18042,
      h2c: 18092,
      h2: 18102,
    },
    connectionsMax: HAPROXY_CONNECTIONS,
    start: () => startAndWait('haproxy', 'haproxy', ['-f', path, '-db'], 18002),
  };
}

/** `last`: of its ports. `isWhole`: it is a build that can do all of it. */
function evenkeel(name: string, root: string, engine: 'uring' | 'node', last: number, isWhole = true): Contender {
  const ports = {
    http: 18000 + last,
    tcp: 18010 + last,
    tls: 18020 + last,
    passthrough: 18030 + last,
    relay: 18040 + last,
    udp: 18050 + last,
    dns: 18060 + last,
    logged: isWhole ? 18070 + last : 0,
    buffered: isWhole ? 18070 + last : 0,
    gzip1: isWhole ? 18110 + last : 0,
    gzip6: isWhole ? 18120 + last : 0,
    h2c: isWhole ? 18090 + last : 0,
    h2: isWhole ? 18020 + last : 0,
  };
  const path = join(directory, `evenkeel-${last}.yaml`);
  const servers = BACKEND_PORTS.map((port) => `"127.0.0.1:${port}"`).join(', ');
  const tls = `tls: { certificate: ${certificate}, key: ${key} }`;
  const secure = TLS_BACKEND_PORTS.map((port) => `"127.0.0.1:${port}"`).join(', ');
  const routes = '[{ server-name: other.test, upstream: tcp }]';
  const log = join(directory, `evenkeel-${last}.log`);
  const logged = `access-logs: { main: { file: ${log}, format: combined } }
listeners:
  h2c: { bind: "127.0.0.1:${ports.h2c}", http2: true, timeouts: { idle: 300s }, routes: [{ upstream: web }] }
  gzip1: { bind: "127.0.0.1:${ports.gzip1}", compress: { level: 1 }, timeouts: { idle: 300s }, routes: [{ upstream: web }] }
  gzip6: { bind: "127.0.0.1:${ports.gzip6}", compress: { level: 6 }, timeouts: { idle: 300s }, routes: [{ upstream: web }] }
  logged: { bind: "127.0.0.1:${ports.logged}", access-log: main, timeouts: { idle: 300s }, routes: [{ upstream: web }] }`;
  writeFileSync(
    path,
    `${isWhole ? logged : 'listeners:'}
  web: { bind: "127.0.0.1:${ports.http}", protocol: http, timeouts: { idle: 300s }, routes: [{ upstream: web }] }
  tcp: { bind: "127.0.0.1:${ports.tcp}", protocol: tcp, upstream: tcp }
  tls: { bind: "127.0.0.1:${ports.tls}", ${tls}, timeouts: { idle: 300s }, routes: [{ upstream: web }] }
  passthrough: { bind: "127.0.0.1:${ports.passthrough}", protocol: tcp, passthrough: { routes: ${routes} }, upstream: secure }
  relay: { bind: "127.0.0.1:${ports.relay}", protocol: tcp, upstream: secure }
  udp: { bind: "127.0.0.1:${ports.udp}", protocol: udp, upstream: datagrams, udp: { idle: 5s } }
  dns: { bind: "127.0.0.1:${ports.dns}", protocol: udp, upstream: datagrams, udp: { idle: 5s, responses: 1 } }
upstreams:
  web: { servers: [${servers}] }
  tcp: { servers: [${servers}] }
  secure: { servers: [${secure}] }
  datagrams: { servers: [${UDP_BACKEND_PORTS.map((port) => `"127.0.0.1:${port}"`).join(', ')}] }
`,
  );
  const bin = join(root, 'bin/evenkeel');
  return {
    name,
    version: firstMatch(process.execPath, [bin, '--version'], /([0-9.]+)/),
    ports,
    connectionsMax: DESCRIPTORS - 2000,
    start: () =>
      startAndWait(name, process.execPath, [bin, 'run', path, '--engine', engine, '--workers', '1'], ports.http),
  };
}

function bareRelay(): Contender {
  const script = join(import.meta.dirname, 'datagrams/bare-relay.js');
  const ports = [18055, 18065, ...UDP_BACKEND_PORTS].map(String);
  return {
    name: 'bare relay',
    version: process.version,
    ports: { ...NO_PORTS, udp: 18055, dns: 18065 },
    connectionsMax: 0,
    isBare: true,
    start: () => Promise.resolve(startPinned('bare relay', PROXY_CORE, process.execPath, [script, ...ports])),
  };
}

function bareLoop(): Contender {
  const script = join(import.meta.dirname, 'bare-loop.js');
  const ports = [18005, ...BACKEND_PORTS].map(String);
  return {
    name: 'bare loop',
    version: process.version,
    ports: { ...NO_PORTS, http: 18005 },
    connectionsMax: 0,
    isBare: true,
    start: () => startAndWait('bare loop', process.execPath, [script, ...ports], 18005),
  };
}

/** `before`: the folder of another build of evenkeel, which then takes part too. */
export function contenders(before: string): Contender[] {
  const here = join(import.meta.dirname, '../..');
  const all = [
    nginx(),
    haproxy(),
    evenkeel('evenkeel', here, 'uring', 3),
    evenkeel('evenkeel (node)', here, 'node', 4),
    bareLoop(),
    bareRelay(),
  ];
  return before === '' ? all : [...all, evenkeel('evenkeel (before)', before, 'uring', 6, false)];
}

async function startAndWait(name: string, command: string, args: string[], port: number): Promise<Started> {
  const started = startPinned(name, PROXY_CORE, command, args);
  await waitForPort(port);
  return started;
}

function firstMatch(command: string, args: string[], pattern: RegExp): string {
  const output = execFileSync('sh', ['-c', '"$0" "$@" 2>&1', command, ...args], { encoding: 'utf8' });
  return pattern.exec(output)?.[1] ?? 'unknown';
}
