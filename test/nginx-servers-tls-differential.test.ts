/**
 * Real nginx and evenkeel with the same nginx.conf with `proxy_pass https://` and `proxy_ssl`, and with the YAML that `convert` makes of it: which
 * servers are believed, and what they are told.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type tls from 'node:tls';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { Evenkeel, freePort, get, program } from './evenkeel.ts';
import { Daemon, peerSkip, temporaryDirectory } from './peers.ts';

/** Of each location, what stands in it. `{good}` and its like are servers. */
const LOCATIONS: Readonly<Record<string, string>> = {
  // nobody is verified, and no name is asked for
  plain: 'proxy_pass https://127.0.0.1:{strange};',
  group: 'proxy_pass https://any.test;',
  sni: 'proxy_pass https://sni.test; proxy_ssl_server_name on;',
  named: 'proxy_pass https://127.0.0.1:{good}/; proxy_ssl_server_name on; proxy_ssl_name other.test;',
  address: 'proxy_pass https://127.0.0.1:{good}; proxy_ssl_server_name on;',
  verified:
    'proxy_pass https://good.test; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_set_header Host $proxy_host:$proxy_port;',
  wrong:
    'proxy_pass https://127.0.0.1:{good}; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_ssl_name wrong.test;',
  strange:
    'proxy_pass https://127.0.0.1:{strange}; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_ssl_name good.test;',
  expired:
    'proxy_pass https://127.0.0.1:{expired}; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_ssl_name good.test;',
  deep: 'proxy_pass https://127.0.0.1:{deep}; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_ssl_name good.test;',
  deeper:
    'proxy_pass https://127.0.0.1:{deeper}; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_ssl_name good.test;',
  deepest:
    'proxy_pass https://127.0.0.1:{deeper}; proxy_ssl_verify on; proxy_ssl_verify_depth 2; proxy_ssl_trusted_certificate ca.pem; proxy_ssl_name good.test;',
  revoked:
    'proxy_pass https://127.0.0.1:{good}; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_ssl_crl crl.pem; proxy_ssl_name good.test;',
  client:
    'proxy_pass https://127.0.0.1:{good}; proxy_ssl_certificate client.pem; proxy_ssl_certificate_key locked.key; proxy_ssl_password_file pass;',
  old: 'proxy_pass https://127.0.0.1:{good}; proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;',
  resumed: 'proxy_pass https://127.0.0.1:{good}; proxy_ssl_session_reuse on;',
  clear: 'proxy_pass https://127.0.0.1:{clear};',
};

/** Says what it was told. */
async function serve(t: TestContext, options: https.ServerOptions): Promise<number> {
  const server = https.createServer(
    { requestCert: true, rejectUnauthorized: false, ...options },
    (request, response) => {
      const socket = request.socket as tls.TLSSocket & { servername?: string | false };
      // Which version is spoken without `proxy_ssl_protocols` depends on the version of nginx.
      const cipher = (request.url ?? '').startsWith('/old') ? socket.getCipher().name : '';
      const client = String(socket.getPeerCertificate().subject?.CN ?? 'nobody');
      const host = request.headers.host ?? '';
      response.end(
        [socket.servername || 'nameless', client, request.url, host.replace(/:[0-9]+$/, ''), cipher].join(' '),
      );
    },
  );
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  t.after(() => server.close().closeAllConnections());
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
}

function makeFiles(t: TestContext): CertificateMaker {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  maker.make('ca', { names: [], isAuthority: true });
  maker.make('middle', { names: [], isAuthority: true, issuer: 'ca' });
  maker.make('lower', { names: [], isAuthority: true, issuer: 'middle' });
  maker.make('other', { names: [], isAuthority: true });
  maker.make('good', { names: ['good.test'], issuer: 'ca' });
  maker.make('strange', { names: ['good.test'], issuer: 'other' });
  maker.make('expired', { names: ['good.test'], issuer: 'ca', from: -9, until: -1 });
  maker.make('deep', { names: ['good.test'], issuer: 'middle' });
  maker.make('deeper', { names: ['good.test'], issuer: 'lower' });
  maker.make('client', { names: ['client.test'], issuer: 'ca' });
  maker.join('deep.pem', 'deep.pem', 'middle.pem');
  maker.join('deeper.pem', 'deeper.pem', 'lower.pem', 'middle.pem');
  maker.revoke('crl', 'ca', ['good']);
  const [from, to] = [maker.path('client.key'), maker.path('locked.key')];
  maker.openssl('pkcs8', '-topk8', '-in', from, '-out', to, '-passout', 'pass:secret');
  writeFileSync(maker.path('pass'), 'secret\n', { mode: 0o600 });
  return maker;
}

async function askAll(web: number): Promise<Readonly<Record<string, string>>> {
  const seen: Record<string, string> = {};
  for (const name of Object.keys(LOCATIONS)) {
    const { status, body } = await get(web, `/${name}/x`);
    seen[name] = status === 200 ? body : String(status);
  }
  return seen;
}

test('nginx and evenkeel speak TLS with servers alike by the same nginx.conf', peerSkip(null, 'nginx'), async (t) => {
  const maker = makeFiles(t);
  const { folder } = maker;
  const read = (name: string): https.ServerOptions => ({
    cert: readFileSync(maker.path(`${name}.pem`)),
    key: readFileSync(maker.path(`${name}.key`)),
  });
  const ports: Record<string, number> = {};
  for (const name of ['good', 'strange', 'expired', 'deep', 'deeper']) ports[name] = await serve(t, read(name));
  const clear = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  clear.listen(0, '127.0.0.1');
  t.after(() => clear.close());
  await once(clear, 'listening');
  ports['clear'] = (clear.address() as net.AddressInfo).port;

  const directory = temporaryDirectory(t);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (path) => `${path}_temp_path ${directory}/${path};`,
  );
  /** `stream` null: without it, which nginx has not everywhere. */
  const write = (name: string, web: number, stream: number | null): string => {
    const locations = Object.entries(LOCATIONS).map(([path, text]) => `location /${path} { ${text} }`);
    const text =
      `daemon off; master_process off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log;\n` +
      `events { worker_connections 256; }\nhttp { access_log off; ${temporary.join(' ')}\n` +
      `upstream good.test { server 127.0.0.1:{good}; } upstream any.test { server 127.0.0.1:{good}; } upstream sni.test { server 127.0.0.1:{good}; }\n` +
      // with it nginx resumes sessions that began by the rules of another location
      `proxy_ssl_session_reuse off;\nserver { listen 127.0.0.1:${web};\n${locations.join('\n')}\n} }\n` +
      (stream === null
        ? ''
        : `stream { server { listen 127.0.0.1:${stream}; proxy_pass 127.0.0.1:{good}; proxy_ssl on; proxy_ssl_verify on; ` +
          'proxy_ssl_trusted_certificate ca.pem; proxy_ssl_server_name on; proxy_ssl_name good.test; } }\n');
    const file = join(folder, name);
    writeFileSync(
      file,
      text.replace(/\{([a-z]+)\}/g, (_, server: string) => String(ports[server])),
    );
    return file;
  };

  const theirs = await freePort();
  const args = ['-p', directory, '-e', join(directory, 'error.log'), '-c', write('nginx.conf', theirs, null)];
  await Daemon.start(t, 'nginx', args, theirs);
  const expected = await askAll(theirs);
  assert.equal(expected['verified']?.split(' ')[0], 'nameless');
  assert.equal(expected['sni']?.split(' ')[0], 'sni.test');
  assert.equal(expected['deeper'], '502');

  for (const isConverted of [false, true]) {
    const [web, stream] = [await freePort(), await freePort()];
    let file = write('evenkeel.conf', web, stream);
    if (isConverted) {
      const convert = [program, 'convert', 'evenkeel.conf'];
      const { status, stdout, stderr } = spawnSync(process.execPath, convert, { encoding: 'utf8', cwd: folder });
      assert.equal(status, 0, stderr);
      file = join(directory, 'converted.yaml');
      writeFileSync(file, stdout);
    }
    const evenkeel = Evenkeel.spawn(t, ['run', file, '--workers', '1'], { env: { RUNTIME_DIRECTORY: directory } });
    await evenkeel.said(/ready: .*\n/);
    assert.deepEqual(await askAll(web), expected);
    assert.match((await get(stream, '/stream')).body, /^good\.test nobody \/stream /);
    evenkeel.signal('SIGTERM');
    await evenkeel.exit;
  }
});
