/**
 * The proxies that are compared, each with one worker on core 0 and with the same semantics: keep-alive to two backends in
 * turn, X-Forwarded-For, -Proto, -Host and X-Request-Id set, no access log.
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

export interface Contender {
  readonly name: string;
  readonly version: string;
  readonly httpPort: number;
  readonly tcpPort: number;
  /** HTTP over TLS; 0: it does not speak it. */
  readonly tlsPort: number;
  /** Clients it can have with this process's limit of descriptors. */
  readonly connectionsMax: number;
  /** It can do nothing but small keep-alive requests. */
  readonly isBare?: boolean;
  start(): Promise<Started>;
}

export const SIZES = { small: 62, '16KiB': 16 * 1024, '1MiB': 1024 * 1024 } as const;

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

/** Two nginx backends in one process on the load's core, serving one file per size. */
export async function startBackends(): Promise<Started> {
  mkdirSync(files);
  chmodSync(directory, 0o755); // nginx's worker is another user
  for (const [name, size] of Object.entries(SIZES)) writeFileSync(join(files, name), 'x'.repeat(size));
  const listens = BACKEND_PORTS.map((port) => `listen 127.0.0.1:${port} backlog=4096;`).join(' ');
  const config = nginxConfig(
    'backend',
    `server { ${listens} open_file_cache max=10; root ${files}; location = / { return 200 "${'x'.repeat(62)}"; } }`,
    '',
  );
  const started = startPinned('backends', LOAD_CORE, 'nginx', ['-c', config]);
  await waitForPort(BACKEND_PORTS[0]);
  return started;
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

function nginx(): Contender {
  const upstream = BACKEND_PORTS.map((port) => `server 127.0.0.1:${port};`).join(' ');
  const http = `upstream web { ${upstream} keepalive 1024; keepalive_requests 1000000000; }
server { listen 127.0.0.1:18001 backlog=4096; listen 127.0.0.1:18021 ssl backlog=4096;
  ssl_certificate ${certificate}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3; location / {
  proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Request-Id $request_id; } }`;
  const stream = `stream { upstream web { ${upstream} } server { listen 127.0.0.1:18011 backlog=4096; proxy_pass web; } }`;
  return {
    name: 'nginx',
    version: firstMatch('nginx', ['-v'], /nginx\/([0-9.]+)/),
    httpPort: 18001,
    tcpPort: 18011,
    tlsPort: 18021,
    connectionsMax: DESCRIPTORS - 2000,
    start: () => startAndWait('nginx', 'nginx', ['-c', nginxConfig('nginx', http, stream)], 18001),
  };
}

function haproxy(): Contender {
  const path = join(directory, 'haproxy.cfg');
  const pair = join(directory, 'haproxy.pem');
  writeFileSync(pair, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
  const servers = BACKEND_PORTS.map((port, i) => `  server s${i} 127.0.0.1:${port}\n`).join('');
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
${servers}`,
  );
  return {
    name: 'haproxy',
    version: firstMatch('haproxy', ['-v'], /version ([0-9.]+)/),
    httpPort: 18002,
    tcpPort: 18012,
    tlsPort: 18022,
    connectionsMax: HAPROXY_CONNECTIONS,
    start: () => startAndWait('haproxy', 'haproxy', ['-f', path, '-db'], 18002),
  };
}

/** `tlsPort` 0: a build from before it could. */
function evenkeel(
  name: string,
  root: string,
  engine: 'uring' | 'node',
  [httpPort, tcpPort, tlsPort]: readonly [http: number, tcp: number, tls: number],
): Contender {
  const path = join(directory, `evenkeel-${httpPort}.yaml`);
  const servers = BACKEND_PORTS.map((port) => `"127.0.0.1:${port}"`).join(', ');
  const tls = `tls: { certificate: ${certificate}, key: ${key} }`;
  const secure =
    tlsPort === 0
      ? ''
      : `  secure: { bind: "127.0.0.1:${tlsPort}", ${tls}, timeouts: { idle: 300s }, routes: [{ upstream: web }] }\n`;
  writeFileSync(
    path,
    `listeners:
  web: { bind: "127.0.0.1:${httpPort}", protocol: http, timeouts: { idle: 300s }, routes: [{ upstream: web }] }
  tcp: { bind: "127.0.0.1:${tcpPort}", protocol: tcp, upstream: tcp }
${secure}upstreams:
  web: { servers: [${servers}] }
  tcp: { servers: [${servers}] }
`,
  );
  const bin = join(root, 'bin/evenkeel');
  return {
    name,
    version: firstMatch(process.execPath, [bin, '--version'], /([0-9.]+)/),
    httpPort,
    tcpPort,
    tlsPort,
    connectionsMax: DESCRIPTORS - 2000,
    start: () =>
      startAndWait(name, process.execPath, [bin, 'run', path, '--engine', engine, '--workers', '1'], httpPort),
  };
}

function bareLoop(): Contender {
  const script = join(import.meta.dirname, 'bare-loop.js');
  const ports = [18005, ...BACKEND_PORTS].map(String);
  return {
    name: 'bare loop',
    version: process.version,
    httpPort: 18005,
    tcpPort: 0,
    tlsPort: 0,
    connectionsMax: 0,
    isBare: true,
    start: () => startAndWait('bare loop', process.execPath, [script, ...ports], 18005),
  };
}

/** `before`: the folder of another build of evenkeel, which then takes part too. */
export function contenders(before: string): Contender[] {
  makeCertificate();
  const here = join(import.meta.dirname, '../..');
  const all = [
    nginx(),
    haproxy(),
    evenkeel('evenkeel', here, 'uring', [18003, 18013, 18023]),
    evenkeel('evenkeel (node)', here, 'node', [18004, 18014, 18024]),
    bareLoop(),
  ];
  return before === '' ? all : [...all, evenkeel('evenkeel (before)', before, 'uring', [18006, 18016, 0])];
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
