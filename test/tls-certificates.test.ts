/** Certificates of a running evenkeel: replaced on disk, and nowhere in memory where they have no business. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { ENGINES, engineSkip, Evenkeel, freePort, program } from './evenkeel.ts';
import { LONE_HOST } from './lone-host.ts';
import { findIn } from './process-memory.ts';
import { reload } from './reloading.ts';
import { endAfter, upgrade } from './upgrading.ts';
import { until } from './waiting.ts';

const isRoot = process.getuid?.() === 0;

function makerFor(t: TestContext): CertificateMaker {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  return maker;
}

/** The serial number of the certificate that a client gets for this name. */
async function serialFor(port: number, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

function serialOf(maker: CertificateMaker, file: string): string {
  const { stdout } = spawnSync('openssl', ['x509', '-noout', '-serial', '-in', maker.path(file)], { encoding: 'utf8' });
  return stdout.trim().replace('serial=', '');
}

async function serves(port: number, name: string, serial: string): Promise<void> {
  await until(
    async () => (await serialFor(port, name)) === serial,
    () => `${name} never has the certificate ${serial}`,
  );
}

function statusOf({ file }: Evenkeel, ...more: readonly string[]): string {
  const args = [program, 'status', '--socket', `${file}.sock`, ...more];
  return spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout;
}

for (const engine of ENGINES) {
  test(`${engine}: a pair that is replaced is used when it is whole`, engineSkip(engine), async (t) => {
    const maker = makerFor(t);
    for (const name of ['a', 'b', 'new', 'newer']) maker.make(name, { names: ['shop.example'] });
    maker.make('other', { names: ['other.example'] });
    // As certbot has it.
    for (const kind of ['pem', 'key']) symlinkSync(maker.path(`a.${kind}`), maker.path(`live.${kind}`));
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    tls:
      certificates:
        - { certificate: ${maker.path('live.pem')}, key: ${maker.path('live.key')} }
        - { certificate: ${maker.path('other.pem')}, key: ${maker.path('other.key')} }
    routes: [ { respond: { body: ok } } ]
`,
      { engine, workers: 1, hasSocket: true },
    );
    assert.equal(await serialFor(port, 'shop.example'), serialOf(maker, 'a.pem'));
    assert.equal(await serialFor(port, 'other.example'), serialOf(maker, 'other.pem'));

    const status = spawnSync(process.execPath, [program, 'status', '--socket', `${evenkeel.file}.sock`], {
      encoding: 'utf8',
    });
    assert.match(status.stdout, /^certificate +\S+live\.pem +web +ECDSA P-256 +shop\.example +89 days left +until 20/m);
    const isOld = process.versions.openssl.startsWith('3.0.');
    assert.equal(/warning: TLS is spoken by OpenSSL 3\.0\.\d+, which is not maintained/.test(status.stdout), isOld);

    const swap = (kind: string, to: string): void => {
      symlinkSync(maker.path(`${to}.${kind}`), maker.path('next'));
      renameSync(maker.path('next'), maker.path(`live.${kind}`));
    };
    swap('pem', 'new');
    await evenkeel.said(/the former certificate is kept: .*live\.key does not belong to the certificate .*live\.pem/);
    assert.equal(await serialFor(port, 'shop.example'), serialOf(maker, 'a.pem'));
    const kept =
      /listener web: \S+live\.pem on disk cannot be used \(the private key \S+live\.key does not belong to .*\), the former one serves; reload and upgrade are refused/;
    await until(
      () => kept.test(statusOf(evenkeel)),
      () => statusOf(evenkeel),
    );
    // What was there before does as well as what is new.
    swap('pem', 'a');
    await evenkeel.said(/listener web: \S+live\.pem on disk can be used again/);
    assert.doesNotMatch(statusOf(evenkeel), /on disk cannot be used/);
    swap('pem', 'new');
    await evenkeel.said(/the former certificate is kept[^]*the former certificate is kept/);
    swap('key', 'new');
    await serves(port, 'shop.example', serialOf(maker, 'new.pem'));
    await evenkeel.said(/certificate replaced: listener web: \S+live\.pem is valid until 20/);
    assert.doesNotMatch(statusOf(evenkeel), /on disk cannot be used/);
    assert.equal(evenkeel.stderr.split('the former certificate is kept').length, 3, evenkeel.stderr);

    // One that is gone does not keep the other from being renewed.
    rmSync(maker.path('other.key'));
    swap('pem', 'newer');
    swap('key', 'newer');
    await serves(port, 'shop.example', serialOf(maker, 'newer.pem'));
    assert.equal(await serialFor(port, 'other.example'), serialOf(maker, 'other.pem'));
    for (const line of readFileSync(maker.path('newer.key'), 'latin1').split('\n').slice(1, 3)) {
      assert.ok(!evenkeel.stderr.includes(line));
    }
  });
}

test(
  'a certificate that OpenSSL refuses with the settings of its listener is named, and changes nothing',
  engineSkip(ENGINES[0]),
  async (t) => {
    const maker = makerFor(t);
    maker.make('site', { names: ['shop.example'] });
    maker.make('weak', { names: ['shop.example'], key: 'rsa-weak' });
    const port = await freePort();
    const yaml = (name: string): string => `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    tls:
      certificate: ${maker.path(`${name}.pem`)}
      key: ${maker.path(`${name}.key`)}
      profile: { versions: [ TLSv1.2, TLSv1.3 ], ciphers: "ECDHE+AESGCM:@SECLEVEL=2" }
    routes: [ { respond: { body: ok } } ]
`;
    const evenkeel = await Evenkeel.start(t, yaml('site'), { engine: ENGINES[0], workers: 1, hasSocket: true });
    const [proxy] = evenkeel.proxies();
    writeFileSync(evenkeel.file, yaml('weak'));
    evenkeel.signal('SIGHUP');
    await evenkeel.said(
      /reload by SIGHUP refused, nothing has changed: \S+:6:20: the certificate \S+weak\.pem cannot be used: .*key too small/,
    );
    assert.equal(await serialFor(port, 'shop.example'), serialOf(maker, 'site.pem'));
    assert.deepEqual(evenkeel.proxies(), [proxy]);
    const start = Evenkeel.run(t, yaml('weak'));
    assert.equal(await start.exit, 1);
    assert.match(start.stderr, /weak\.pem cannot be used: .*key too small/);
  },
);

/** Of a connection for this name. */
async function sessionFor(port: number, servername: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
    socket.on('session', (session) => {
      resolve(session);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

async function isResumed(port: number, servername: string, session: Buffer): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername, session, rejectUnauthorized: false }, () => {
      resolve(socket.isSessionReused());
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** So that every proxy has had one. */
const RESUMPTIONS = 8;

test('sessions go on in every proxy, over a reload and an upgrade', engineSkip(ENGINES[0]), async (t) => {
  const maker = makerFor(t);
  maker.make('a', { names: ['shop.example'] });
  const port = await freePort();
  const yaml = (body: string): string => `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    tls: { certificate: ${maker.path('a.pem')}, key: ${maker.path('a.key')} }
    routes: [ { respond: { body: ${body} } } ]
`;
  const evenkeel = await Evenkeel.start(t, yaml('first'), { engine: ENGINES[0], workers: 2, hasSocket: true });
  const session = await sessionFor(port, 'shop.example');
  const goesOn = async (when: string): Promise<void> => {
    for (let i = 0; i < RESUMPTIONS; i++) assert.ok(await isResumed(port, 'shop.example', session), when);
  };
  await goesOn('at once');
  writeFileSync(evenkeel.file, yaml('second'));
  evenkeel.signal('SIGHUP');
  await evenkeel.said(/reload by SIGHUP: listener web: routes changed/);
  await goesOn('after a reload');
  const { pid, error } = await upgrade(evenkeel);
  assert.ok(pid !== undefined, error);
  endAfter(t, pid);
  await goesOn('after an upgrade');
});

test(
  'no PEM text and no passphrase in a proxy, and no key at all in the vip process',
  {
    skip: engineSkip('node').skip !== false ? 'needs Linux' : isRoot ? false : 'needs root, to look into the processes',
  },
  async (t) => {
    const maker = makerFor(t);
    maker.make('site', { names: ['shop.example'], key: 'rsa' });
    const passphrase = 'correct-horse-battery-staple';
    maker.openssl(
      'pkcs8',
      '-topk8',
      '-in',
      maker.path('site.key'),
      '-out',
      maker.path('locked.key'),
      '-passout',
      `pass:${passphrase}`,
    );
    writeFileSync(maker.path('pass'), `${passphrase}\n`, { mode: 0o600 });
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners:
  web:
    bind: "127.0.0.1:443"
    tls: { certificate: ${maker.path('site.pem')}, key: ${maker.path('locked.key')}, passphrase-file: ${maker.path('pass')} }
    routes: [ { respond: { body: ok } } ]
ha:
  VI_1: { interface: eth0, router-id: 50, addresses: [ 192.168.15.3/24 ] }
`,
      { through: LONE_HOST, workers: 1, args: ['--node', 'lb01'] },
    );
    const pem = readFileSync(maker.path('site.key'), 'latin1');
    const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
    const texts = {
      'PEM text': Buffer.from(pem.split('\n')[3]),
      'encrypted PEM text': Buffer.from(readFileSync(maker.path('locked.key'), 'latin1').split('\n')[3]),
      passphrase: Buffer.from(passphrase),
    };
    const key = { key: der.subarray(200, 240) };
    const keeper = evenkeel.child.pid!;
    assert.deepEqual(findIn(keeper, key), ['key'], 'the search finds what is there');
    const children = readFileSync(`/proc/${keeper}/task/${keeper}/children`, 'latin1').trim().split(' ').map(Number);
    const titles = children.map((pid) => [pid, readFileSync(`/proc/${pid}/cmdline`, 'latin1')] as const);
    const proxy = titles.find(([, title]) => title.startsWith('evenkeel: proxy'))?.[0];
    const vip = titles.find(([, title]) => title.startsWith('evenkeel: vip'))?.[0];
    assert.ok(proxy !== undefined && vip !== undefined, JSON.stringify(titles));
    assert.deepEqual(findIn(proxy, texts), []);
    assert.deepEqual(findIn(vip, { ...texts, ...key }), []);
    // Nobody but root may open what the keeper has of it.
    for (const name of readdirSync(`/proc/${vip}/fd`)) {
      const target = spawnSync('readlink', [`/proc/${vip}/fd/${name}`], { encoding: 'utf8' }).stdout;
      assert.doesNotMatch(target, /evenkeel-secrets/);
    }
  },
);

test(
  'a start serves all but the listener whose certificate cannot be used, and that one when it can',
  engineSkip(ENGINES[0]),
  async (t) => {
    const maker = makerFor(t);
    for (const name of ['a', 'b']) maker.make(name, { names: ['shop.example'] });
    maker.join('torn.key', 'b.key');
    const [whole, torn] = [await freePort(), await freePort()];
    const yaml = `
listeners:
  whole:
    bind: "127.0.0.1:${whole}"
    tls: { certificate: ${maker.path('b.pem')}, key: ${maker.path('b.key')} }
    routes: [ { respond: { body: ok } } ]
  torn:
    bind: "127.0.0.1:${torn}"
    tls: { certificate: ${maker.path('a.pem')}, key: ${maker.path('torn.key')} }
    routes: [ { respond: { body: ok } } ]
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine: ENGINES[0], workers: 1, hasSocket: true });
    assert.match(evenkeel.stderr, /torn\.key does not belong to the certificate \S+a\.pem/);
    assert.match(
      evenkeel.stderr,
      /listener torn 127\.0\.0\.1:\d+: none of its certificates can be used; `evenkeel check` says why/,
    );
    assert.equal(await serialFor(whole, 'shop.example'), serialOf(maker, 'b.pem'));
    await assert.rejects(serialFor(torn, 'shop.example'), /ECONNREFUSED/);
    const status = spawnSync(process.execPath, [program, 'status', '--socket', `${evenkeel.file}.sock`], {
      encoding: 'utf8',
    });
    assert.match(status.stdout, /^listener +torn .*closed.*none of its certificates can be used/m);
    // A reload is strict, and changes nothing.
    evenkeel.signal('SIGHUP');
    await evenkeel.said(/reload by SIGHUP refused, nothing has changed/);
    assert.equal(await serialFor(whole, 'shop.example'), serialOf(maker, 'b.pem'));
    renameSync(maker.path('a.key'), maker.path('torn.key'));
    await evenkeel.said(/certificate replaced: listener torn: \S+a\.pem is valid until 20/);
    await serves(torn, 'shop.example', serialOf(maker, 'a.pem'));

    const lone = Evenkeel.run(t, yaml.replace('torn.key', 'a.pem').replace(/ {2}whole:[^]*? {2}torn:/, '  torn:'));
    assert.equal(await lone.exit, 1);
    assert.match(lone.stderr, /no listener could be opened/);
  },
);

test(
  'a start without one of the certificates of a listener says so until its files are right',
  engineSkip(ENGINES[0]),
  async (t) => {
    const maker = makerFor(t);
    maker.make('first', { names: ['first.example'] });
    maker.make('shop', { names: ['shop.example'] });
    maker.make('other', { names: ['other.example'] });
    renameSync(maker.path('shop.key'), maker.path('kept.key'));
    renameSync(maker.path('other.key'), maker.path('shop.key'));
    const port = await freePort();
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    tls:
      certificates:
        - { certificate: ${maker.path('first.pem')}, key: ${maker.path('first.key')} }
        - { certificate: ${maker.path('shop.pem')}, key: ${maker.path('shop.key')} }
    routes: [ { respond: { body: ok } } ]
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine: ENGINES[0], workers: 1, hasSocket: true });
    const fault =
      /serves without the certificate \S+shop\.pem \(shop\.example\): the private key \S+shop\.key does not belong/;
    assert.match(evenkeel.stderr, new RegExp(`error +listener web ${fault.source}`));
    const status = statusOf(evenkeel);
    assert.match(status, new RegExp(`^warning: listener web ${fault.source}`, 'm'));
    assert.match(status, /^certificate +\S+shop\.pem +web +shop\.example +not used +the private key/m);
    const { problems, tls: seen } = JSON.parse(statusOf(evenkeel, '--json')) as {
      problems: readonly string[];
      tls: { faults: readonly { listener: string; names: readonly string[]; isFormerUsed: boolean }[] };
    };
    assert.ok(problems.some((problem) => fault.test(problem)));
    const [{ listener, names, isFormerUsed }] = seen.faults;
    assert.deepEqual([listener, names, isFormerUsed], ['web', ['shop.example'], false]);

    renameSync(maker.path('kept.key'), maker.path('shop.key'));
    await evenkeel.said(/certificate replaced: listener web: \S+shop\.pem is valid until 20/);
    assert.doesNotMatch(statusOf(evenkeel), /serves without|not used/);
    assert.doesNotMatch(evenkeel.stderr, /the former certificate is kept/);
    await serves(port, 'shop.example', serialOf(maker, 'shop.pem'));
  },
);

test('a pair that is replaced as soon as a reload has read it is noticed', engineSkip(ENGINES[0]), async (t) => {
  const maker = makerFor(t);
  for (const name of ['first', 'next', 'later']) maker.make(name, { names: ['shop.example'] });
  const port = await freePort();
  const yaml = (name: string): string => `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    tls: { certificate: ${maker.path(`${name}.pem`)}, key: ${maker.path(`${name}.key`)} }
    routes: [ { respond: { body: ok } } ]
`;
  const evenkeel = await Evenkeel.start(t, yaml('first'), { engine: ENGINES[0], workers: 1, hasSocket: true });
  const later = serialOf(maker, 'later.pem');
  writeFileSync(evenkeel.file, yaml('next'));
  assert.equal((await reload(evenkeel)).error, undefined);
  for (const kind of ['pem', 'key']) renameSync(maker.path(`later.${kind}`), maker.path(`next.${kind}`));
  await serves(port, 'shop.example', later);
});

test('a folder of certificates that is gone leaves those that were in it', engineSkip(ENGINES[0]), async (t) => {
  const maker = makerFor(t);
  maker.make('first', { names: ['first.example'] });
  maker.make('shop', { names: ['shop.example'] });
  mkdirSync(maker.path('live'));
  for (const name of ['shop.pem', 'shop.key']) renameSync(maker.path(name), maker.path(`live/${name}`));
  const port = await freePort();
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    tls:
      certificates:
        - { certificate: ${maker.path('first.pem')}, key: ${maker.path('first.key')} }
        - { folder: ${maker.path('live')} }
    routes: [ { respond: { body: ok } } ]
`;
  const evenkeel = await Evenkeel.start(t, yaml, { engine: ENGINES[0], workers: 1, hasSocket: true });
  renameSync(maker.path('live'), maker.path('gone'));
  await evenkeel.said(/the former certificate is kept: .*live cannot be used/);
  await until(
    () =>
      /warning: listener web: \S+live on disk cannot be used \(.*\), the former one serves/.test(statusOf(evenkeel)),
    () => statusOf(evenkeel),
  );
  assert.equal(await serialFor(port, 'shop.example'), serialOf(maker, 'gone/shop.pem'));
  renameSync(maker.path('gone'), maker.path('live'));
  await evenkeel.said(/listener web: \S+live on disk can be used again/);
});

test('a certificate that is put in expired is an error in log and status', engineSkip(ENGINES[0]), async (t) => {
  const maker = makerFor(t);
  maker.make('site', { names: ['shop.example'] });
  maker.make('old', { names: ['shop.example'], from: -20, until: -1 });
  const port = await freePort();
  const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    tls: { certificate: ${maker.path('site.pem')}, key: ${maker.path('site.key')} }
    routes: [ { respond: { body: ok } } ]
`;
  const evenkeel = await Evenkeel.start(t, yaml, { engine: ENGINES[0], workers: 1, hasSocket: true });
  for (const kind of ['key', 'pem']) renameSync(maker.path(`old.${kind}`), maker.path(`site.${kind}`));
  await evenkeel.said(/certificate replaced: listener web: \S+site\.pem is valid until \d+-\d+-\d+T[0-9:]+Z/);
  const expired =
    'the certificate \\S+site\\.pem of listener web has expired at \\S+Z, and clients refuse it: renew it';
  await evenkeel.said(new RegExp(`error +${expired}`));
  assert.match(statusOf(evenkeel), new RegExp(`^warning: ${expired}`, 'm'));
});
