import type { ServerView } from '../api/data-plane.ts';
import type { PairNodeView } from '../api/nodes.ts';
import type { StatusDocument } from '../api/status.ts';
import type { RouterView } from '../api/virtual-routers.ts';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ageText } from './age-text.ts';
import { renderStatus } from './status-view.ts';

const ROUTER: RouterView = {
  name: 'VI_1',
  state: 'active',
  accountAgeMs: 400,
  account: {
    state: 'active',
    stateAgeMs: 8_000_000,
    priority: 130,
    fault: null,
    source: '192.168.15.5',
    lastAdvertAgeMs: 600,
    peers: [
      {
        address: '192.168.15.6',
        priority: 100,
        intervalMs: 1_000,
        addresses: 'all',
        ageMs: 700,
        adverts: 9,
      },
      { address: '192.168.15.7', priority: 0, intervalMs: 1_000, addresses: 'some', ageMs: 90_000, adverts: 1 },
    ],
    activePeer: null,
    claim: null,
    isContested: false,
    guards: [
      { name: 'gateway', passes: true, target: '192.168.15.1', answerAgeMs: 420 },
      { name: 'witnesses', passes: false, target: null, answerAgeMs: null },
    ],
    adverts: { sent: 8_003, unsent: 0, accepted: 10, refused: { ttl: 0, checksum: 3, stale: 12, replay: 1 } },
  },
  interfaceName: 'eth0',
  virtualRouterId: 50,
  version: 3,
  intervalMs: 1_000,
  addresses: ['192.168.15.3/24'],
  excluded: ['10.0.0.3/24 on eth1'],
  routes: [
    { text: 'default via 192.0.2.254 table 100 src 192.0.2.10', problem: null },
    { text: '10.20.0.0/16 via 192.0.2.253', problem: 'ENETUNREACH' },
  ],
  rules: [{ text: '40: from 192.0.2.10/32 lookup 100', problem: null }],
  group: 'outside',
  tracked: [
    { name: 'proxy', weight: 0, isUp: true, sinceAgeMs: 8_000_000, seenAgeMs: 40, detail: '2 serve' },
    { name: 'process sshd', weight: -20, isUp: false, sinceAgeMs: 61_000, seenAgeMs: 40, detail: 'no such process' },
    { name: 'script x', weight: 0, isUp: null, sinceAgeMs: 500, seenAgeMs: null, detail: 'not seen yet' },
  ],
  witnesses: [{ name: '192.168.15.9:53', isAnswering: true, answerAgeMs: 300, detail: 'connected' }],
  restraint: null,
  quorum: 2,
  changes: [{ from: 'backup', to: 'active', cause: 'peer-silent', detail: '', ageMs: 8_000_000 }],
  evidence: [{ kind: 'rival', detail: 'a peer of priority 100 is active too', ageMs: 5_000, total: 2 }],
};

const SERVER: ServerView = {
  name: '192.168.15.7:80',
  address: '192.168.15.7:80',
  state: 'up',
  reason: '2 probes passed',
  stateAgeMs: 7_200_000,
  check: 'http /healthz',
  lastCheck: { ageMs: 1_200, isPassed: true, detail: 'status 200' },
  lastFailure: null,
  ejectedForMs: null,
  weight: 2,
  weightShare: 0.5,
  isBackup: false,
  maxConnections: null,
  connections: 1,
  requests: 50,
  failures: 0,
  shortages: 0,
};
const MEMORY = {
  state: 'plenty',
  large: 3,
  largeMax: 70,
  small: 2,
  smallMax: 9,
  medium: 0,
  mediumMax: 1,
  head: 1,
  headMax: 1,
  foreign: 0,
  foreignMax: 0,
  shed: 0,
} as const;

const DOCUMENT: StatusDocument = {
  format: 1,
  version: '1.2.3',
  pid: 4711,
  isStopping: false,
  uptimeMs: 200_000_000,
  at: '2030-01-01T00:00:00.000Z',
  configuration: {
    file: '/etc/evenkeel/evenkeel.yaml',
    digest: '0a1b2c3d4e5f',
    isChanged: true,
    setByApi: null,
    fixed: { user: null, node: null, workersMax: 2 },
  },
  problems: [],
  unstored: [],
  tls: null,
  peers: null,
  ha: { node: 'lb01', owner: { pid: 4712, restarts: 2, hasStandby: true, problem: null }, routers: [ROUTER] },
  proxies: [
    {
      state: 'serving',
      pid: 4713,
      silentMs: 30,
      restarts: 0,
      lastEnd: null,
      connections: 3,
      requests: 12_345,
      linesDropped: 0,
      memory: MEMORY,
    },
    {
      state: 'serving',
      pid: 4714,
      silentMs: 4_000,
      restarts: 0,
      lastEnd: null,
      connections: 0,
      requests: 0,
      linesDropped: 0,
      memory: MEMORY,
    },
    {
      state: 'ended',
      pid: 0,
      silentMs: 9_000,
      restarts: 2,
      lastEnd: { reason: 'killed by SIGKILL', ageMs: 300 },
      connections: 0,
      requests: 1,
      linesDropped: 0,
      memory: MEMORY,
    },
  ],
  listeners: [
    {
      name: 'web',
      protocol: 'http',
      state: 'open',
      binds: [{ address: '*:80', failure: null }],
      connections: 3,
      accepted: 99,
      datagrams: null,
    },
    {
      name: 'mysql',
      protocol: 'tcp',
      state: 'closed',
      binds: [{ address: '*:3306', failure: 'port 3306 is taken by mariadbd (pid 9)' }],
      connections: 0,
      accepted: 0,
      datagrams: null,
    },
    {
      name: 'ssh',
      protocol: 'tcp',
      state: 'open',
      binds: [{ address: '192.168.15.3:22', failure: null }],
      inKernel: true,
      connections: 0,
      accepted: 12,
      datagrams: null,
    },
  ],
  upstreams: [
    {
      name: 'web',
      balance: 'round-robin',
      tls: 'unverified',
      waiting: 4,
      check: 'http /healthz',
      quorum: null,
      servers: [
        SERVER,
        {
          ...SERVER,
          name: 'b:80',
          address: '192.168.15.8:80',
          state: 'down',
          reason: '3 probes failed, last: status 500',
          stateAgeMs: 65_000,
          lastCheck: { ageMs: 300, isPassed: true, detail: 'status 200' },
          weight: 1,
          weightShare: 1,
          isBackup: true,
          check: 'tcp on port 81',
        },
        {
          ...SERVER,
          name: 'c:80',
          address: '192.168.15.9:80',
          state: 'ejected',
          reason: '3 failures within 10 s, last: reset',
          stateAgeMs: 4_000,
          lastCheck: null,
          lastFailure: { ageMs: 4_000, detail: 'reset' },
          ejectedForMs: 6_000,
          weightShare: 1,
          maxConnections: 200,
        },
      ],
    },
    {
      name: 'api',
      balance: 'hash',
      tls: null,
      waiting: 0,
      check: 'http /healthz',
      quorum: null,
      servers: [
        {
          ...SERVER,
          name: 'api.internal:80',
          address: null,
          state: 'unresolved',
          reason: 'there is no such name',
          lastCheck: null,
        },
      ],
    },
  ],
  overrides: [],
  answers: [{ name: 'no-server', status: 503, text: 'no server is up', count: 7 }],
};

test('the whole of it, with an age on everything', () => {
  assert.equal(
    renderStatus(DOCUMENT, '/s', false),
    `evenkeel 1.2.3, node lb01, pid 4711, up 2 d 7 h
asked on /s; configuration /etc/evenkeel/evenkeel.yaml (0a1b2c3d4e5f), changed on disk since it was loaded

VI_1  ACTIVE for 2 h 13 min, priority 130
  where      eth0, router-id 50, VRRP version 3, every 1 s, group outside
  addresses  192.168.15.3/24, here
  excluded   10.0.0.3/24 on eth1: not in adverts
  routes     default via 192.0.2.254 table 100 src 192.0.2.10
             10.20.0.0/16 via 192.0.2.253: cannot be added (ENETUNREACH)
  rules      40: from 192.0.2.10/32 lookup 100
  adverts    from 192.168.15.5: sent 8003, the last 0.6 s ago; accepted 10; refused 3 checksum, 12 stale (do the clocks agree?), 1 replay
  peers      192.168.15.6  is active, priority 100, last advert 0.7 s ago
             192.168.15.7  released, last advert 1 min 30 s ago, advertises other addresses: the files differ
  guards     gateway  passes: 192.168.15.1 answered 0.4 s ago
             quorum of 2 witnesses  does not pass
  tracked    proxy  ok for 2 h 13 min: 2 serve, seen 0.0 s ago
             process sshd, weight -20  fails for 1 min 1 s: no such process, seen 0.0 s ago
             script x  no verdict for 0.5 s: not seen yet, never seen
  witnesses  192.168.15.9:53  answers: last 0.3 s ago, connected
  noticed    5.0 s ago  rival 2 times: a peer of priority 100 is active too
  changes    2 h 13 min ago  backup to active: peer-silent

the vip process (pid 4712) has been replaced 2 times

listener  web    http  *:80             open    3 connections, 99 accepted
listener  mysql  tcp   *:3306           closed                              *:3306: port 3306 is taken by mariadbd (pid 9)
listener  ssh    tcp   192.168.15.3:22  open    in the kernel, 12 accepted

upstream  web  round-robin  1 of 3     take requests  by TLS, not verified  4 waiting
upstream  api  hash         no server

server  web/192.168.15.7:80         up          2 h 0 min  weight 2, 50 % of it so far  1 connection, 50 in all, 0 failed  checked 1.2 s ago
server  web/b:80 (192.168.15.8:80)  down        1 min 5 s  weight 1, backup             1 connection, 50 in all, 0 failed  3 probes failed, last: status 500; last check 0.3 s ago passed; its own check: tcp on port 81
server  web/c:80 (192.168.15.9:80)  ejected     4.0 s      weight 2, at most 200        1 connection, 50 in all, 0 failed  3 failures within 10 s, last: reset; takes requests again in 6.0 s
server  api/api.internal:80         unresolved  2 h 0 min  weight 2, 50 % of it so far  1 connection, 50 in all, 0 failed  there is no such name

proxy  0  serving           pid 4713  3 connections, 12345 requests
proxy  1  silent for 4.0 s  pid 4714  0 connections, 0 requests
proxy  2  ended                       0 connections, 1 request       restarted 2 times  last one ended 0.3 s ago: killed by SIGKILL

answered by the proxy  503  no-server  7 times: no server is up
`,
  );
});

test('connections that were reset are no answers', () => {
  const answers = [
    { name: 'no-server', status: 503, text: 'no server is up', count: 7, resets: 3 },
    { name: 'denied', status: 403, text: 'the client may not connect', count: 1, resets: 1 },
    { name: 'tls-handshake', status: 0, text: 'the TLS handshake came to nothing', count: 1, resets: 0 },
  ];
  assert.deepEqual(
    renderStatus({ ...DOCUMENT, answers }, '/s', false)
      .trimEnd()
      .split('\n')
      .slice(-4),
    [
      'answered by the proxy  503      no-server      4 times: no server is up',
      'answered by the proxy  reset    no-server      3 times: no server is up',
      'answered by the proxy  reset    denied         once: the client may not connect',
      'answered by the proxy  nothing  tls-handshake  once: the TLS handshake came to nothing',
    ],
  );
});

test('gaps in access logs stand beside their proxy', () => {
  const proxies = [{ ...DOCUMENT.proxies[0], linesDropped: 12 }];
  assert.match(
    renderStatus({ ...DOCUMENT, proxies }, '/s', false),
    /^proxy {2}0 {2}serving .* requests {2}dropped 12 lines of access logs$/m,
  );
});

test('what this machine was short of stands beside its servers', () => {
  const lastCheck = { ageMs: 300, isPassed: null, detail: 'no file descriptor is left in the keeper' };
  const upstream = { ...DOCUMENT.upstreams[0], servers: [{ ...SERVER, shortages: 4, lastCheck }] };
  assert.match(
    renderStatus({ ...DOCUMENT, upstreams: [upstream] }, '/s', false),
    / 0 failed {2}4 short of ports, descriptors or memory here {2}last check 0\.3 s ago could not be made: no file descriptor is left in the keeper\n/,
  );
});

test('a router whose owner is silent is not shown as what it was', () => {
  const router: RouterView = { ...ROUTER, state: 'unknown', accountAgeMs: 12_000 };
  const text = renderStatus({ ...DOCUMENT, ha: { ...DOCUMENT.ha!, routers: [router] } }, '/s', false);
  assert.match(text, /^VI_1 {2}UNKNOWN, priority 130$/m);
  assert.match(
    text,
    /^ {13}the vip process has not reported for 12 s; what follows is its last report, when it was active$/m,
  );
  assert.match(text, /192\.168\.15\.3\/24, may be here/);
  assert.doesNotMatch(text, /ACTIVE|, here|not here/);
});

test('a router without any account, and a node without routers', () => {
  const router: RouterView = {
    ...ROUTER,
    state: 'unknown',
    accountAgeMs: null,
    account: null,
    changes: [],
    evidence: [],
  };
  assert.match(
    renderStatus({ ...DOCUMENT, ha: { ...DOCUMENT.ha!, routers: [router] } }, '/s', false),
    /has not reported yet/,
  );
  const plain = renderStatus({ ...DOCUMENT, ha: null }, '/s', false);
  assert.match(
    renderStatus({ ...DOCUMENT, isStopping: true }, '/s', false),
    /^evenkeel 1\.2\.3, node lb01, pid 4711, up 2 d 7 h, stopping\n/,
  );
  assert.match(plain, /^evenkeel 1\.2\.3, pid 4711, up 2 d 7 h\nasked on \/s; .*\n\nlistener/);
});

test('a terminal gets colors, and everything else none', () => {
  assert.ok(renderStatus(DOCUMENT, '/s', true).includes('\u001b[32mACTIVE\u001b[0m'));
  assert.ok(!renderStatus(DOCUMENT, '/s', false).includes('\u001b'));
});

test('ages are as exact as anybody needs', () => {
  const cases: [number, string][] = [
    [0, '0.0 s'],
    [9_949, '9.9 s'],
    [9_950, '10 s'],
    [59_600, '1 min 0 s'],
    [3_600_000, '1 h 0 min'],
    [86_400_000, '1 d 0 h'],
  ];
  for (const [ms, text] of cases) assert.equal(ageText(ms), text);
});

test('certificates have a line each', () => {
  const tls = {
    openssl: '3.5.4',
    certificates: [
      {
        listener: 'web',
        file: '/etc/tls/site.pem',
        kind: 'ECDSA P-256',
        names: ['a.example', 'b.example', 'c.example', 'd.example'],
        notBefore: '2029-12-01T00:00:00.000Z',
        notAfter: '2030-03-01T00:00:00.000Z',
        daysLeft: 59,
      },
      {
        listener: 'mail',
        file: '/etc/tls/old.pem',
        kind: 'RSA 2048',
        names: [],
        notBefore: '2029-01-01T00:00:00.000Z',
        notAfter: '2029-12-31T00:00:00.000Z',
        daysLeft: -1,
        clients: 'require',
      },
      {
        listener: 'shop',
        file: '/etc/tls/own.pem',
        kind: 'ECDSA P-256',
        names: ['shop.example'],
        notBefore: '2029-12-31T00:00:00.000Z',
        notAfter: '2030-12-31T00:00:00.000Z',
        daysLeft: 364,
        isStandIn: true,
      },
    ],
    acme: [],
  };
  const lines = renderStatus({ ...DOCUMENT, tls }, '/run/evenkeel.sock', false)
    .split('\n')
    .filter((line) => line.startsWith('certificate'));
  assert.deepEqual(lines, [
    'certificate  /etc/tls/site.pem  web   ECDSA P-256  a.example b.example c.example and 1 more  59 days left  until 2030-03-01',
    'certificate  /etc/tls/old.pem   mail  RSA 2048                                               expired       until 2029-12-31       client certificates: require',
    'certificate  /etc/tls/own.pem   shop  ECDSA P-256  shop.example                              none yet      self-signed till then',
  ]);
});

test('certificates that are asked for say when, and why they are not there', () => {
  const view = {
    names: ['shop.example', 'www.shop.example'],
    directory: 'https://ca.example/directory',
    file: '/var/lib/evenkeel/acme/shop.example.0.pem',
    since: '2029-12-31T23:00:00.000Z',
    obtainer: null,
    failures: 0,
  };
  const acme = [
    { ...view, state: 'held', next: '2030-02-01T00:00:00.000Z', failure: null, obtainer: 'lb01' },
    {
      ...view,
      state: 'waiting',
      next: '2030-01-01T00:05:00.000Z',
      failures: 1,
      failure: { text: 'no such name', at: '2030-01-01T00:00:00.000Z' },
    },
    { ...view, names: ['shop.example'], state: 'ordering', next: null, failure: null },
  ] as const;
  const { file, names } = view;
  const certificate = { listener: 'web', file, names, kind: 'ECDSA P-256', notBefore: '', notAfter: '', daysLeft: 9 };
  const tls = { openssl: '3.5.0', certificates: [certificate], acme };
  const lines = renderStatus({ ...DOCUMENT, tls }, '/run/evenkeel.sock', false)
    .split('\n')
    .filter((line) => line.startsWith('asked for'));
  assert.deepEqual(lines, [
    'asked for  shop.example and 1 more  ca.example  held      renewed at 2030-02-01T00:00:00Z by lb01',
    'asked for  shop.example and 1 more  ca.example  waiting   ordered at 2030-01-01T00:05:00Z          failed at 2030-01-01T00:00:00Z: no such name',
    'asked for  shop.example             ca.example  ordering',
  ]);
});

test('another node is shown as on the page about peers, also after its last word', () => {
  const node: PairNodeView = {
    name: 'lb02',
    isThis: false,
    isLinked: true,
    version: '0.1.0',
    heardAgeMs: 1_300,
    configuration: { digest: 'f91ada594c77', since: '2026-11-29T19:05:40.123Z' },
    difference: { since: '2029-12-31T23:57:55.000Z', parts: ['upstreams/web'] },
    summary: {
      uptimeMs: 11_520_000,
      isStopping: false,
      routers: [{ name: 'VI_1', state: 'backup', restraint: null }],
      upstreams: [{ name: 'web', up: 2, servers: 2 }],
      overrides: [
        { subject: 'server web/192.0.2.21:8080', said: 'drained; the file says enabled', by: 'alice', ageMs: 48_000 },
      ],
      problems: [],
      leftOut: 0,
    },
  };
  const link = {
    name: 'lb02',
    address: '192.0.2.12:7946',
    isUp: true,
    since: '2026-11-29T19:02:11.000Z',
    reason: '',
    version: '0.1.0',
  };
  const render = (nodes: readonly PairNodeView[]): string => {
    const peers = { node: 'lb01', fingerprint: null, problem: null, peers: [link], nodes };
    return renderStatus({ ...DOCUMENT, peers }, '/run/evenkeel.sock', false);
  };
  const page = readFileSync(new URL('../../../docs/peers.md', import.meta.url), 'utf8');
  const [, shown] = /^## The nodes see each other$[^]*?^```\n([^]*?)^```$/m.exec(page)!;
  assert.ok(render([node]).includes(shown), render([node]));

  const restrained = { ...node.summary!, routers: [{ name: 'VI_1', state: 'backup', restraint: 'hand-over' }] };
  const gone = { ...node, isLinked: false, heardAgeMs: 90_000, difference: null };
  const text = render([{ ...gone, summary: { ...restrained, overrides: [], problems: ['a fault'], leftOut: 3 } }]);
  assert.ok(
    text.includes(
      '\nlb02  its last word is 1 min 30 s old, up 3 h 12 min\n' +
        '  goes by    f91ada594c77 since 2026-11-29T19:05:40Z, the same as here\n' +
        '  routers    VI_1 backup, held back: hand-over\n' +
        '  servers    up web 2 of 2\n' +
        '  problems   a fault\n' +
        '             and 3 more: ask there\n',
    ),
    text,
  );
});
