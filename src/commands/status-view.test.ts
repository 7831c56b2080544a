import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouterView } from '../keeper/ha/ha-status.ts';
import type { StatusDocument } from '../keeper/status.ts';
import { ageText, renderStatus } from './status-view.ts';

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
        hasOurAddresses: true,
        ageMs: 8_000_000,
        adverts: 9,
      },
      { address: '192.168.15.7', priority: 0, intervalMs: 1_000, hasOurAddresses: false, ageMs: 90_000, adverts: 1 },
    ],
    guards: { gateway: true, witnesses: false },
    adverts: { sent: 8_003, unsent: 0, accepted: 10, refused: { ttl: 0, checksum: 3, replay: 1 } },
  },
  interfaceName: 'eth0',
  virtualRouterId: 50,
  version: 3,
  intervalMs: 1_000,
  addresses: ['192.168.15.3/24'],
  excluded: ['10.0.0.3/24 on eth1'],
  group: 'outside',
  tracked: [
    { name: 'proxy', weight: 0, isUp: true, sinceAgeMs: 8_000_000, seenAgeMs: 40, detail: '2 serve' },
    { name: 'process sshd', weight: -20, isUp: false, sinceAgeMs: 61_000, seenAgeMs: 40, detail: 'no such process' },
    { name: 'script x', weight: 0, isUp: null, sinceAgeMs: 500, seenAgeMs: null, detail: 'not seen yet' },
  ],
  witnesses: [{ name: '192.168.15.9:53', isAnswering: true, answerAgeMs: 300, detail: 'connected' }],
  quorum: 2,
  changes: [{ from: 'backup', to: 'active', cause: 'down-timer', detail: '', ageMs: 8_000_000 }],
  evidence: [{ kind: 'rival', detail: 'a peer of priority 100 is active too', ageMs: 5_000, total: 2 }],
};

const DOCUMENT: StatusDocument = {
  version: '1.2.3',
  pid: 4711,
  uptimeMs: 200_000_000,
  at: '2030-01-01T00:00:00.000Z',
  ha: { node: 'lb01', owner: { pid: 4712, restarts: 2, hasStandby: true, problem: null }, routers: [ROUTER] },
  proxies: [
    { state: 'serving', pid: 4713, silentMs: 30, requests: 12_345, sockets: 17 },
    { state: 'serving', pid: 4714, silentMs: 4_000, requests: 0, sockets: 0 },
  ],
  listeners: [
    { name: 'web', protocol: 'http', binds: ['*:80'], isClosed: false, connections: 3, accepted: 99 },
    { name: 'mysql', protocol: 'tcp', binds: ['*:3306'], isClosed: true, connections: 0, accepted: 0 },
  ],
  upstreams: [
    {
      name: 'web',
      servers: [
        { name: '192.168.15.7:80', state: 'up', connections: 2, requests: 50, failures: 0 },
        { name: '192.168.15.8:80', state: 'down', connections: 0, requests: 4, failures: 3 },
      ],
    },
  ],
};

test('the whole of it, with an age on everything', () => {
  assert.equal(
    renderStatus(DOCUMENT, false),
    `evenkeel 1.2.3, node lb01, pid 4711, up 2 d 7 h

VI_1  ACTIVE for 2 h 13 min, priority 130
  where      eth0, router-id 50, VRRP version 3, every 1 s, group outside
  addresses  192.168.15.3/24, here
  excluded   10.0.0.3/24 on eth1: not in adverts
  adverts    from 192.168.15.5: sent 8003, the last 0.6 s ago; accepted 10; refused 3 checksum, 1 replay
  peers      192.168.15.6  priority 100, heard 2 h 13 min ago
             192.168.15.7  has released, heard 1 min 30 s ago, with other addresses
  guards     gateway passes, quorum of 2 witnesses does not pass
  tracked    proxy  well for 2 h 13 min: 2 serve, seen 0.0 s ago
             process sshd, weight -20  fails for 1 min 1 s: no such process, seen 0.0 s ago
             script x  no verdict for 0.5 s: not seen yet, never seen
  witnesses  192.168.15.9:53  answers: last 0.3 s ago, connected
  noticed    5.0 s ago  rival 2 times: a peer of priority 100 is active too
  changes    2 h 13 min ago  backup to active: down-timer

the vip process (pid 4712) has been replaced 2 times

listener  web    http  *:80    3 connections, 99 accepted
listener  mysql  tcp   *:3306  could not be opened

server  web/192.168.15.7:80  up    2 connections, 50 in all, 0 failed
server  web/192.168.15.8:80  down  0 connections, 4 in all, 3 failed

proxy  0  serving           pid 4713  12345 requests, 17 sockets
proxy  1  silent for 4.0 s  pid 4714  0 requests, 0 sockets
`,
  );
});

test('a router whose owner is silent is not shown as what it was', () => {
  const router: RouterView = { ...ROUTER, state: 'unknown', accountAgeMs: 12_000 };
  const text = renderStatus({ ...DOCUMENT, ha: { ...DOCUMENT.ha!, routers: [router] } }, false);
  assert.match(text, /^VI_1 {2}UNKNOWN, priority 130$/m);
  assert.match(text, /^ {13}its owner has said nothing for 12 s; what follows is from then, when it was active$/m);
  assert.match(text, /192\.168\.15\.3\/24, perhaps here/);
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
  assert.match(renderStatus({ ...DOCUMENT, ha: { ...DOCUMENT.ha!, routers: [router] } }, false), /said nothing yet/);
  const plain = renderStatus({ ...DOCUMENT, ha: null }, false);
  assert.match(plain, /^evenkeel 1\.2\.3, pid 4711, up 2 d 7 h\n\nlistener/);
});

test('a terminal gets colors, and everything else none', () => {
  assert.ok(renderStatus(DOCUMENT, true).includes('\u001b[32mACTIVE\u001b[0m'));
  assert.ok(!renderStatus(DOCUMENT, false).includes('\u001b'));
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
