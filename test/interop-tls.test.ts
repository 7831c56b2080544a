/** TLS with the clients that people have: each verifies the certificate, and gets the whole of a page. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { type Engine, ENGINES, Evenkeel, freePort, startBackend } from './evenkeel.ts';
import { findProgram, peerSkip, runOk, sha256, temporaryDirectory } from './peers.ts';
import { startMariadb } from './mariadb.ts';

const MIB = 1024 * 1024;
const HOST = 'site.test';

interface Site {
  readonly port: number;
  readonly root: string;
  /** A file with what /large is. */
  readonly large: string;
}

async function startSite(t: TestContext, engine: Engine): Promise<Site> {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  maker.make('root', { names: [], isAuthority: true, key: 'rsa' });
  maker.make('middle', { names: [], isAuthority: true, issuer: 'root' });
  const pairs = (['ec', 'rsa'] as const).map((key) => {
    maker.make(key, { names: [HOST, 'localhost'], issuer: 'middle', key });
    return `{ certificate: ${maker.join(`${key}-chain.pem`, `${key}.pem`, 'middle.pem')}, key: ${maker.path(`${key}.key`)} }`;
  });
  const large = join(temporaryDirectory(t), 'large');
  writeFileSync(large, randomBytes(3 * MIB + 1));
  const backend = await startBackend(t, (request, response) => {
    if (request.url === '/large') response.end(readFileSync(large));
    else if (request.url === '/script.js') response.end(`document.body.append(' and a script')`);
    else {
      response.setHeader('Content-Type', 'text/html');
      response.end(`<body>a page${request.url === '/page' ? '<script src="/script.js"></script>' : ''}</body>\n`);
    }
  });
  const port = await freePort();
  await Evenkeel.start(
    t,
    `
listeners:
  web: { bind: "127.0.0.1:${port}", tls: { certificates: [ ${pairs.join(', ')} ] }, routes: [ { upstream: web } ] }
upstreams: { web: { servers: [ "${backend.address}" ] } }
`,
    { engine, workers: 2 },
  );
  return { port, root: maker.path('root.pem'), large };
}

const PYTHON = `
import ssl, socket, sys
port, root, version = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=root)
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
for round in range(3):
    with socket.create_connection(('127.0.0.1', port)) as plain:
        with context.wrap_socket(plain, server_hostname='${HOST}') as client:
            client.sendall(b'GET / HTTP/1.1\\r\\nHost: ${HOST}\\r\\nConnection: close\\r\\n\\r\\n')
            text = b''
            while part := client.recv(65536):
                text += part
            print(client.version(), text.endswith(b'0\\r\\n\\r\\n') or b'a page' in text)
`;

for (const engine of ENGINES) {
  test(`[${engine}] curl`, peerSkip(engine, 'curl'), async (t) => {
    const { large, port, root } = await startSite(t, engine);
    const into = join(temporaryDirectory(t), 'large');
    const where = ['-sS', '--cacert', root, '--resolve', `${HOST}:${port}:127.0.0.1`];
    for (const version of ['1.2', '1.3']) {
      await runOk('curl', [
        ...where,
        `--tlsv${version}`,
        '--tls-max',
        version,
        `https://${HOST}:${port}/large`,
        '-o',
        into,
      ]);
      assert.equal(await sha256(into), await sha256(large), version);
    }
    const connects = await runOk('curl', [
      ...where,
      '-w',
      '%{num_connects}',
      '-o',
      '/dev/null',
      `https://${HOST}:${port}/`,
      '-o',
      '/dev/null',
      `https://${HOST}:${port}/`,
    ]);
    assert.equal(connects, '10', 'the second request goes over the same connection');
    const posted = await runOk('curl', [...where, '--data-binary', `@${large}`, `https://${HOST}:${port}/`]);
    assert.equal(posted, '<body>a page</body>\n');
  });

  test(`[${engine}] wget`, peerSkip(engine, 'wget'), async (t) => {
    const { large, port, root } = await startSite(t, engine);
    const into = join(temporaryDirectory(t), 'large');
    await runOk('wget', ['-q', `--ca-certificate=${root}`, '-O', into, `https://localhost:${port}/large`]);
    assert.equal(await sha256(into), await sha256(large));
  });

  test(`[${engine}] openssl s_client`, peerSkip(engine, 'openssl', 'sh'), async (t) => {
    const { port, root } = await startSite(t, engine);
    for (const [version, sigalgs, key] of [
      ['-tls1_2', 'ECDSA+SHA256', 'ECDSA'],
      ['-tls1_3', 'ECDSA+SHA256', 'ecdsa_secp256r1_sha256'],
      ['-tls1_2', 'RSA-PSS+SHA256', 'RSA'],
      ['-tls1_3', 'RSA-PSS+SHA256', 'rsa_pss_rsae_sha256'],
    ]) {
      const options = `-connect 127.0.0.1:${port} -servername ${HOST} -verify_hostname ${HOST} -CAfile ${root} ${version} -sigalgs ${sigalgs}`;
      const request = `GET / HTTP/1.1\\r\\nHost: ${HOST}\\r\\nConnection: close\\r\\n\\r\\n`;
      const said = await runOk('sh', [
        '-c',
        `printf '${request}' | openssl s_client ${options} -verify_return_error -ign_eof 2>&1`,
      ]);
      assert.match(said, /Verify return code: 0 \(ok\)/);
      assert.match(said, /<body>a page<\/body>/);
      const signature = /^Peer signature type: (.*)$/m.exec(said)?.[1] ?? '';
      assert.ok(
        signature.includes(key.startsWith('ecdsa') || key === 'ECDSA' ? 'ECDSA' : 'RSA'),
        `${key}: ${signature}`,
      );
    }
  });

  test(`[${engine}] python's ssl`, peerSkip(engine, 'python3'), async (t) => {
    const { port, root } = await startSite(t, engine);
    for (const [name, version] of [
      ['TLSv1_2', 'TLSv1.2'],
      ['TLSv1_3', 'TLSv1.3'],
    ]) {
      const said = await runOk('python3', ['-c', PYTHON, `${port}`, root, name]);
      assert.equal(said, `${version} True\n`.repeat(3));
    }
  });

  test(`[${engine}] sslscan finds nothing weak`, peerSkip(engine, 'sslscan'), async (t) => {
    const { port } = await startSite(t, engine);
    const said = await runOk('sslscan', ['--no-colour', `--sni-name=${HOST}`, `127.0.0.1:${port}`]);
    assert.deepEqual(
      [...said.matchAll(/^(\S+) +enabled$/gm)].map(([, version]) => version),
      ['TLSv1.2', 'TLSv1.3'],
    );
    const suites = [...said.matchAll(/^(?:Preferred|Accepted) +\S+ +(\d+) bits +(\S+)/gm)];
    assert.equal(suites.length, 9);
    for (const [line, bits, suite] of suites) {
      assert.ok(Number(bits) >= 128 && /^(TLS_|ECDHE-).*(GCM|POLY1305)/.test(suite), line);
    }
    assert.match(said, /Session renegotiation not supported/);
    assert.doesNotMatch(said, /(?<!not )vulnerable|compression enabled/i);
  });

  // Its packages are too large for continuous integration.
  if (findProgram('chromium') !== null) {
    test(`[${engine}] Chromium loads a page and its script`, peerSkip(engine, 'chromium'), async (t) => {
      const { port } = await startSite(t, engine);
      const page = await runOk('chromium', [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--ignore-certificate-errors',
        `--user-data-dir=${temporaryDirectory(t)}`,
        `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
        '--virtual-time-budget=20000',
        '--dump-dom',
        `https://${HOST}:${port}/page`,
      ]);
      assert.match(page, /a page.* and a script/);
    });
  }

  test(
    `[${engine}] MariaDB's TLS passes through a TCP listener`,
    peerSkip(engine, 'mariadbd', 'mariadb', 'mariadb-install-db'),
    async (t) => {
      const maker = new CertificateMaker();
      t.after(() => maker.remove());
      maker.make('root', { names: [], isAuthority: true });
      const tls = maker.make('database', { names: ['localhost'], issuer: 'root' });
      const { port: server } = await startMariadb(t, [`--ssl-cert=${tls.certificate}`, `--ssl-key=${tls.key}`]);
      const port = await freePort();
      await Evenkeel.start(
        t,
        `
listeners: { mysql: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: mysql } }
upstreams: { mysql: { servers: [ "127.0.0.1:${server}" ] } }
`,
        { engine, workers: 1 },
      );
      const login = ['--no-defaults', '--protocol=tcp', '-h127.0.0.1', `-P${port}`, '-uapp', '-psecret', '-N'];
      const said = await runOk('mariadb', [
        ...login,
        '--ssl',
        `--ssl-ca=${maker.path('root.pem')}`,
        '-e',
        `SHOW STATUS LIKE 'Ssl_version'`,
      ]);
      assert.equal(said, 'Ssl_version\tTLSv1.3\n');
    },
  );
}
