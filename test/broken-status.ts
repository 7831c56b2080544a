/** What the API would tell of a node whose pair is broken, with three hundred servers. */
import type { PeersStatus, StatusDocument } from '../src/api/status.ts';
import type { HaStatus, RouterAccount } from '../src/api/virtual-routers.ts';

const SERVERS = 300;
/** One in so many is down. */
const DOWN_EACH = 50;

const account: RouterAccount = {
  state: 'claiming',
  stateAgeMs: 7_000,
  priority: 150,
  fault: null,
  source: '192.0.2.2',
  lastAdvertAgeMs: 200,
  peers: [{ address: '192.0.2.3', priority: 100, intervalMs: 1000, addresses: 'some', ageMs: 300, adverts: 9 }],
  activePeer: null,
  claim: { gate: 'somebody answers for 192.0.2.10', occupant: null },
  isContested: true,
  guards: [{ name: 'probe', passes: false, target: null, answerAgeMs: 900 }],
  adverts: { sent: 9, unsent: 0, accepted: 9, refused: {} },
};

const ha: HaStatus = {
  node: 'lb01',
  owner: { pid: 9, restarts: 0, hasStandby: false, problem: null },
  routers: [
    {
      name: 'VI_1',
      state: 'claiming',
      accountAgeMs: 40,
      account,
      interfaceName: 'eth0',
      virtualRouterId: 51,
      version: 3,
      intervalMs: 1000,
      addresses: ['192.0.2.10/24'],
      excluded: [],
      routes: [],
      rules: [],
      group: null,
      tracked: [],
      witnesses: [],
      quorum: null,
      restraint: null,
      changes: [{ from: 'backup', to: 'claiming', cause: 'advert-timer', detail: 'no advert for 3.2 s', ageMs: 7_000 }],
      evidence: [{ kind: 'rival', detail: '192.0.2.3 advertises the same addresses', ageMs: 4_000, total: 12 }],
    },
  ],
};

const peers: PeersStatus = {
  node: 'lb01',
  fingerprint: null,
  problem: null,
  peers: [
    {
      name: 'lb02',
      address: '192.0.2.3:7946',
      isUp: false,
      since: '2026-11-29T19:02:11.000Z',
      reason: 'it was silent for 10 s',
      version: '0.1.0',
    },
  ],
  nodes: [
    {
      name: 'lb02',
      isThis: false,
      isLinked: false,
      version: '0.1.0',
      heardAgeMs: 70_000,
      configuration: { digest: 'f91ada594c77', since: '2026-11-29T19:05:40.000Z' },
      difference: { since: '2026-11-29T19:05:41.000Z', parts: ['upstreams/pool'] },
      summary: {
        uptimeMs: 9,
        isStopping: false,
        routers: [],
        upstreams: [{ name: 'pool', up: 299, servers: 300 }],
        overrides: [],
        problems: [],
        leftOut: 0,
      },
    },
  ],
};

/** The status of a running evenkeel with that in it. */
export function brokenFrom(status: StatusDocument): StatusDocument {
  const [upstream] = status.upstreams;
  const servers = Array.from({ length: SERVERS }, (_, i) => {
    const address = `192.0.2.${i % 250}:${8000 + i}`;
    const state = i % DOWN_EACH === 7 ? ('down' as const) : ('up' as const);
    return { ...upstream.servers[0], name: address, address, state };
  });
  return { ...status, upstreams: [{ ...upstream, servers }], ha, peers };
}
