/**
 * Real nginx and evenkeel with the same nginx.conf with `listen ... ssl`, and with the YAML that `convert` makes of it: which certificate
 * a client gets, what is agreed on, and what it is answered.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { Evenkeel, freePort, program } from './evenkeel.ts';
import { Daemon, peerSkip, temporaryDirectory } from './peers.ts';

/** `{0}` and its like are ports. */
const SERVERS = `
  ssl_protocols TLSv1.2 TLSv1.3;
  server {
    listen 127.0.0.1:{0} ssl; server_name other.example;
    ssl_certificate other.pem; ssl_certificate_key other.key;
    location / { return 200 "other $host $scheme"; }
  }
  server {
    listen 127.0.0.1:{0} ssl default_server; server_name shop.example;
    ssl_certificate shop.pem; ssl_certificate_key shop.key; ssl_certificate shop-rsa.pem; ssl_certificate_key shop-rsa.key;
    location / { return 200 "shop $host $scheme $ssl_curve $ssl_alpn_protocol $ssl_early_data"; }
    location /moved { return 301 $scheme://$host$request_uri; }
    location /old { port_in_redirect off; return 301 /new; }
    location /rewritten { port_in_redirect off; rewrite ^ /new redirect; }
  }
  server {
    listen 127.0.0.1:{0} ssl; server_name *.wild.example;
    ssl_certificate wild.pem; ssl_certificate_key wild.key;
    location / { return 200 "wild $host $https"; }
  }
  server {
    listen 127.0.0.1:{1} ssl; ssl_reject_handshake on;
  }
  server {
    listen 127.0.0.1:{1} ssl; server_name shop.example;
    ssl_certificate shop.pem; ssl_certificate_key shop.key;
    return 200 "only shop";
  }
  server {
    listen 127.0.0.1:{2} ssl; server_name _;
    ssl_certificate shop-rsa.pem; ssl_certificate_key locked.key; ssl_password_file pass;
    ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256;
    ssl_prefer_server_ciphers on; ssl_ecdh_curve secp384r1; ssl_session_tickets off;
    return 200 "old $ssl_curve";
  }
  server {
    listen 127.0.0.1:{4} ssl; server_name _;
    ssl_certificate shop.pem; ssl_certificate_key shop.key; ssl_session_tickets off; ssl_session_cache shared:SSL:1m;
    return 200 "kept";
  }
  server { listen 127.0.0.1:{3}; return 200 "plain $scheme"; }
  server {
    listen 127.0.0.1:{5} ssl;
    ssl_certificate nameless-rsa.pem; ssl_certificate_key nameless-rsa.key; ssl_certificate other.pem; ssl_certificate_key other.key;
    ssl_certificate shop.pem; ssl_certificate_key shop.key;
    return 200 "both";
  }
  server {
    listen 127.0.0.1:{6} ssl; server_name _;
    ssl_certificate wild.pem; ssl_certificate_key wild.key; ssl_certificate shop-rsa.pem; ssl_certificate_key shop-rsa.key;
    return 200 "default";
  }
  server { listen 127.0.0.1:{6} ssl; server_name bare.example; return 200 "bare"; }
  server {
    listen 127.0.0.1:{6} ssl; server_name shop.example a.wild.example;
    ssl_certificate shop.pem; ssl_certificate_key shop.key;
    return 200 "shop";
  }
`;

interface Ask {
  readonly server: number;
  readonly name?: string;
  /** Without it the name. */
  readonly host?: string;
  /** The client's certificate: `x.pem` with `x.key`. */
  readonly as?: string;
  readonly path?: string;
  /** A second time, with the session of the first one. */
  readonly again?: boolean;
  readonly options?: tls.ConnectionOptions;
}

const ASKS: readonly Ask[] = [
  { server: 0, name: 'shop.example' },
  { server: 0, name: 'shop.example', path: '/moved?a=b' },
  { server: 0, name: 'shop.example', path: '/old' },
  { server: 0, name: 'shop.example', path: '/rewritten?a=b' },
  { server: 0, name: 'shop.example', options: { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' } },
  { server: 0, name: 'shop.example', options: { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' } },
  { server: 0, name: 'SHOP.example' },
  { server: 0, name: 'other.example' },
  { server: 0, name: 'a.wild.example' },
  { server: 0, name: 'wild.example' },
  { server: 0, name: 'unknown.example' },
  { server: 0 },
  { server: 0, name: 'shop.example', options: { ALPNProtocols: ['http/1.1'] } },
  {
    server: 0,
    name: 'shop.example',
    options: { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' },
  },
  { server: 1, name: 'shop.example' },
  { server: 1, name: 'unknown.example' },
  { server: 1 },
  { server: 2, name: 'shop.example' },
  { server: 2, name: 'shop.example', options: { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384' } },
  { server: 2, name: 'shop.example', options: { ecdhCurve: 'prime256v1' } },
  { server: 2, name: 'shop.example', options: { minVersion: 'TLSv1.3' } },
  ...['shop.example', 'bare.example', 'unknown.example', undefined].flatMap((name) =>
    [5, 6].flatMap((server) =>
      ['RSA', 'ECDSA'].map((kind): Ask => {
        const options = { ciphers: `ECDHE-${kind}-AES128-GCM-SHA256`, maxVersion: 'TLSv1.2' } as const;
        return name === undefined ? { server, options } : { server, name, options };
      }),
    ),
  ),
  { server: 6, name: 'a.wild.example' },
  { server: 6, name: 'b.wild.example' },
  ...[0, 2, 4].flatMap((server) =>
    (['TLSv1.2', 'TLSv1.3'] as const).map((maxVersion) => {
      return { server, name: 'shop.example', again: true, options: { maxVersion } };
    }),
  ),
];

/** What a client sees. */
async function ask(folder: string, port: number, asked: Ask): Promise<unknown> {
  const first = await visit(folder, port, asked);
  if (asked.again !== true) return first.seen;
  const { seen, isResumed } = await visit(folder, port, asked, first.session);
  return { seen, isResumed };
}

async function visit(
  folder: string,
  port: number,
  { name, host = name ?? 'shop.example', as, path = '/', options }: Ask,
  session?: Buffer,
): Promise<{ readonly seen: unknown; readonly isResumed: boolean; readonly session: Buffer | undefined }> {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(name === undefined ? {} : { servername: name }),
    ...(as === undefined ? {} : credential(folder, as)),
    ...options,
    ...(session === undefined ? {} : { session }),
  });
  let answer = '';
  let alert = '';
  socket.on('data', (data) => (answer += data.toString('latin1')));
  socket.on('error', (error: NodeJS.ErrnoException) => (alert = error.code ?? error.message));
  let seen = {};
  let isResumed = false;
  let latest: Buffer | undefined;
  socket.on('session', (each: Buffer) => (latest = each));
  socket.on('secureConnect', () => {
    const { name: cipher, version } = socket.getCipher();
    isResumed = socket.isSessionReused();
    seen = {
      // A client of node:tls that resumes a session of 1.3 may have none.
      certificate: isResumed ? '' : socket.getPeerCertificate().fingerprint256,
      protocol: socket.getProtocol(),
      cipher,
      version,
      alpn: socket.alpnProtocol,
    };
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  });
  await new Promise((resolve) => socket.on('close', resolve));
  const location = /^location: (.*)$/im.exec(answer)?.[1] ?? null;
  const [head, body] = answer.split('\r\n\r\n');
  const status = head.split(' ')[1] ?? null;
  const all = { ...seen, alert, status, location, body: status === '200' ? body : '' };
  return { seen: all, isResumed, session: latest };
}

function credential(folder: string, name: string): tls.ConnectionOptions {
  return { cert: readFileSync(join(folder, `${name}.pem`)), key: readFileSync(join(folder, `${name}.key`)) };
}

/** The status of a request in clear. */
async function askPlain(port: number): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += data.toString('latin1')));
  socket.write('GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => socket.on('close', resolve));
  return answer.split(' ')[1];
}

function makeFiles(t: TestContext): string {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  maker.make('shop', { names: ['shop.example'] });
  maker.make('shop-rsa', { names: ['shop.example'], key: 'rsa' });
  maker.make('other', { names: ['other.example'] });
  maker.make('wild', { names: ['*.wild.example'] });
  maker.make('nameless-rsa', { names: [], key: 'rsa' });
  maker.openssl(
    'pkcs8',
    '-topk8',
    '-in',
    maker.path('shop-rsa.key'),
    '-out',
    maker.path('locked.key'),
    '-passout',
    'pass:secret',
  );
  writeFileSync(maker.path('pass'), 'other\nsecret\n', { mode: 0o600 });
  return maker.folder;
}

interface Site {
  /** Of files that it names. */
  readonly folder: string;
  /** Of `http`; `{0}` and its like are ports. */
  readonly servers: string;
  readonly ports: number;
  readonly asks: readonly Ask[];
  /** Ports, that are asked in clear. The last one tells that nginx is there. */
  readonly plain: readonly number[];
}

async function fill({
  ports: count,
  servers,
}: Site): Promise<{ readonly text: string; readonly ports: readonly number[] }> {
  const ports: number[] = [];
  for (let i = 0; i < count; i++) ports.push(await freePort());
  return { text: servers.replace(/\{([0-9])\}/g, (_, i: string) => String(ports[Number(i)])), ports };
}

/** The same answers from nginx, from evenkeel with its file, and with what `convert` makes of it. */
async function compare(t: TestContext, site: Site): Promise<void> {
  const { asks, folder } = site;
  const directory = temporaryDirectory(t);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (path) => `${path}_temp_path ${directory}/${path};`,
  );
  const write = (name: string, servers: string): string => {
    const file = join(folder, name);
    const text =
      `daemon off; master_process off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log;\n` +
      `events { worker_connections 256; }\nhttp { access_log off; ${paths.join(' ')}\n${servers}}\n`;
    writeFileSync(file, text);
    return file;
  };
  const askAll = async (ports: readonly number[]): Promise<readonly unknown[]> => {
    const seen: unknown[] = [];
    for (const one of asks) seen.push(await ask(folder, ports[one.server], one));
    for (const one of site.plain) seen.push(await askPlain(ports[one]));
    return seen;
  };
  const theirs = await fill(site);
  await Daemon.start(
    t,
    'nginx',
    ['-p', directory, '-e', join(directory, 'error.log'), '-c', write('nginx.conf', theirs.text)],
    theirs.ports[site.plain[site.plain.length - 1]],
  );
  const expected = await askAll(theirs.ports);

  for (const isConverted of [false, true]) {
    const ours = await fill(site);
    let file = write('evenkeel.conf', ours.text);
    if (isConverted) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'convert', 'evenkeel.conf'], {
        encoding: 'utf8',
        cwd: folder,
      });
      assert.equal(status, 0, stderr);
      file = join(directory, 'converted.yaml');
      writeFileSync(file, stdout);
    }
    const evenkeel = Evenkeel.spawn(t, ['run', file, '--workers', '1'], { env: { RUNTIME_DIRECTORY: directory } });
    await evenkeel.said(/ready: .*\n/);
    for (const [i, seen] of (await askAll(ours.ports)).entries()) {
      assert.deepEqual(seen, expected[i], JSON.stringify(asks[i] ?? 'in clear'));
    }
    evenkeel.signal('SIGTERM');
    await evenkeel.exit;
  }
}

test('nginx and evenkeel speak TLS alike by the same nginx.conf', peerSkip(null, 'nginx'), async (t) => {
  await compare(t, { folder: makeFiles(t), servers: SERVERS, ports: 7, asks: ASKS, plain: [0, 3] });
});

const VALUES =
  '$ssl_client_verify|$ssl_client_s_dn|$ssl_client_i_dn|$ssl_client_serial|$ssl_client_fingerprint|$ssl_client_v_start|$ssl_client_v_end|$ssl_client_v_remain|$ssl_client_escaped_cert|$ssl_client_s_dn_legacy|$ssl_client_i_dn_legacy|$ssl_ciphers|$ssl_curves';

/** Who asks for what of clients. */
const CLIENT_SERVERS = `
  map $ssl_client_s_dn $role { default stranger; ~CN=.*door friend; }
  map $ssl_client_fingerprint $known { default 0; ~^[0-9a-f]+$ 1; }
  ssl_certificate site.pem; ssl_certificate_key site.key; ssl_protocols TLSv1.2 TLSv1.3;
  server {
    listen 127.0.0.1:{0} ssl; server_name open.example;
    return 200 "open ${VALUES}";
  }
  server {
    listen 127.0.0.1:{0} ssl; server_name strict.example;
    ssl_verify_client on; ssl_client_certificate root.pem; ssl_crl crl.pem;
    return 200 "strict ${VALUES}";
  }
  server {
    listen 127.0.0.1:{0} ssl; server_name other.example;
    ssl_verify_client on; ssl_client_certificate foreign.pem; ssl_trusted_certificate root.pem; ssl_verify_depth 2;
    return 200 "other ${VALUES}";
  }
  server {
    listen 127.0.0.1:{0} ssl; server_name maybe.example;
    ssl_verify_client optional; ssl_client_certificate root.pem;
    location /private { if ($ssl_client_verify != SUCCESS) { return 403 "who?"; } return 200 "you are a $role $known"; }
    location / { return 200 "maybe ${VALUES}"; }
  }
  server {
    listen 127.0.0.1:{0} ssl; server_name any.example;
    ssl_verify_client optional_no_ca;
    return 200 "any ${VALUES}";
  }
  server {
    listen 127.0.0.1:{1} ssl; server_name one.example;
    ssl_verify_client on; ssl_client_certificate root.pem; ssl_verify_depth 0;
    return 200 "one $ssl_client_verify";
  }
  server {
    listen 127.0.0.1:{3} ssl;
    ssl_verify_client optional; ssl_client_certificate root.pem;
    error_page 495 =200 /wrong; error_page 496 404 /none;
    location = /wrong { return 200 "wrong $request_uri $ssl_client_verify"; }
    return 200 "in";
  }
  server {
    listen 127.0.0.1:{4} ssl;
    ssl_verify_client on; ssl_client_certificate root.pem;
    error_page 495 =401 @pages; error_page 496 https://help.example/$ssl_client_verify$request_uri;
    location / { return 200 "in"; }
    location /proxied { proxy_pass http://127.0.0.1:{2}; }
    location @pages { proxy_pass http://127.0.0.1:{2}; }
  }
  server { listen 127.0.0.1:{2}; return 200 "plain $ssl_client_verify"; }
`;
const CLIENTS = [undefined, 'door', 'deep', 'deeper', 'revoked', 'stranger', 'late', 'alone', 'root'];
const NAMES = ['open', 'strict', 'other', 'maybe', 'any'].map((name) => `${name}.example`);

test('nginx and evenkeel take the same certificates of clients', peerSkip(null, 'nginx'), async (t) => {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  maker.make('site', { names: NAMES });
  maker.make('root', { names: [], isAuthority: true, subject: '/O=Example, Inc/CN=Würzel', until: 90.5 });
  maker.make('middle', { names: [], isAuthority: true, issuer: 'root', until: 90.5 });
  maker.make('lower', { names: [], isAuthority: true, issuer: 'middle', until: 90.5 });
  maker.make('foreign', { names: [], isAuthority: true });
  maker.make('door', { names: [], issuer: 'root', subject: '/O=A\\+B "C"/CN=#door; <x>, y', key: 'rsa', until: 90.5 });
  maker.make('deep', { names: [], issuer: 'middle', until: 90.5 });
  maker.make('deeper', { names: [], issuer: 'lower', until: 90.5 });
  maker.make('revoked', { names: [], issuer: 'root', until: 90.5 });
  maker.make('stranger', { names: [], issuer: 'foreign', until: 90.5 });
  maker.make('late', { names: [], issuer: 'root', from: -20, until: -10 });
  maker.make('alone', { names: [], until: 90.5 });
  maker.join('deep.pem', 'deep.pem', 'middle.pem');
  maker.join('deeper.pem', 'deeper.pem', 'lower.pem', 'middle.pem');
  maker.revoke('root-crl', 'root', ['revoked']);
  maker.revoke('middle-crl', 'middle', []);
  maker.join('crl.pem', 'root-crl.pem', 'middle-crl.pem');
  const asks: Ask[] = [];
  for (const as of CLIENTS) {
    const own = as === undefined ? {} : { as };
    asks.push({ server: 0, name: 'maybe.example', path: '/private', ...own });
    for (const name of NAMES) {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
        asks.push({ server: 0, name, ...own, options: { maxVersion } });
    }
    // With a lone server nginx does not compare the names.
    asks.push({ server: 1, name: 'one.example', ...own }, { server: 1, ...own });
    for (const path of ['/', '/proxied?a=b']) asks.push({ server: 3, path, ...own }, { server: 4, path, ...own });
  }
  for (const name of NAMES) {
    for (const host of [...NAMES, 'unknown.example']) asks.push({ server: 0, name, host, as: 'door' });
  }
  await compare(t, { folder: maker.folder, servers: CLIENT_SERVERS, ports: 5, asks, plain: [0, 2] });
});
