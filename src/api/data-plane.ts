/** How proxies, listeners, upstreams and servers stand, in the admin API. Ages and remaining times are of the moment of the answer. */
import * as z from 'zod';
import { count, flag, milliseconds, named, number, text, type View } from './shapes.ts';
import { listenerTraffic, loop, serverTraffic, sessionTraffic, upstreamTraffic } from './traffic.ts';

/** `state`: the better first. */
export const memory = named(
  'Memory',
  'Buffers of a proxy: in use now, and at most since it was started. See limits.md.',
  {
    state: z.enum(['plenty', 'tight', 'short', 'exhausted']),
    large: count('Of 32 KiB, to receive into.'),
    largeMax: count('At most.'),
    small: count('Of 2 KiB: what waits.'),
    smallMax: count('At most.'),
    medium: count('Of 8 KiB: what waits.'),
    mediumMax: count('At most.'),
    head: count('For the largest heads.'),
    headMax: count('At most.'),
    foreign: count('What OpenSSL keeps for half a record or half a handshake, as pieces of 17 KiB.'),
    foreignMax: count('At most.'),
    shed: count('Connections that were ended because memory was short and they stood still.'),
  },
);
export type MemoryView = View<typeof memory>;

export const proxy = named('Proxy', 'A process that serves.', {
  state: z
    .enum(['starting', 'serving', 'draining', 'ended'])
    .describe('`ended`: the process is gone and the next one has not been started yet.'),
  pid: count('0: there is no process.'),
  silentMs: milliseconds('How long it has given no sign of life; the precision is that of the looks.'),
  restarts: count('How often its place had to be filled again.'),
  lastEnd: z
    .object({ reason: text('Why it ended.'), ageMs: milliseconds('How long ago.') })
    .nullable()
    .describe('Of the last process in its place that ended unasked.'),
  connections: count('Of clients, now.'),
  requests: count('Since it was started.'),
  linesDropped: count('Lines of access logs for which there was no room.'),
  loop: loop.nullable().describe('Null: there is no process.').exactOptional(),
  memory: memory.nullable().describe('Null: there is no process.'),
});
export type ProxyView = View<typeof proxy>;

const bind = named('Bind', 'An address that a listener has.', {
  address: text('As in the file.'),
  failure: text('Why it could not be opened; null: it could.').nullable(),
});

export const datagrams = named('Datagrams', 'Of UDP.', {
  in: count('From clients.'),
  out: count('To clients.'),
});

const handshakes = named('Handshakes', 'Of TLS, with clients.', {
  full: count('Done.'),
  resumed: count('Done, of a session that was there before.'),
  failed: count('Came to nothing.'),
});

const kept = named('Kept', 'Connections that the kernel forwards, and that are to outlive their balancer.', {
  epoch: count('Of the kept table: it grows when that becomes another one.'),
  isInCharge: flag('The address is on this node.'),
  exceptions: count('Connections whose server is another one than that of the kept table. Peers are told of them.'),
  leftOut: count('That there was no room for.'),
  lookedAgeMs: milliseconds(
    'For how long connections may have become exceptions that are not known to be. Null: since the beginning.',
  ).nullable(),
});
export type KeptView = View<typeof kept>;

export const listener = named('Listener', 'Where clients come.', {
  name: text('As in the file.'),
  protocol: z.enum(['http', 'tcp', 'udp']),
  state: z
    .enum(['open', 'closed', 'drained', 'draining'])
    .describe(
      '`closed`: none of its addresses could be opened, or the kernel does not have its rules. `drained`: by hand. `draining`: the whole program stops.',
    ),
  binds: z.array(bind),
  inKernel: flag(
    'The kernel forwards what comes, and what is open now is not counted. Absent: a proxy has it.',
  ).exactOptional(),
  kept: z.array(kept).readonly().nullable().describe('In kernel mode, for each address. Null: of UDP.').exactOptional(),
  connections: count('Now. Of UDP, sessions.'),
  accepted: count('Since the start, over upgrades.'),
  datagrams: datagrams.nullable().describe('Null: of another protocol than udp.'),
  connectionsMax: count('At most, of all proxies together.').exactOptional(),
  traffic: listenerTraffic.nullable().describe('Null: of another protocol than http.').exactOptional(),
  sessions: sessionTraffic.nullable().describe('Null: of HTTP.').exactOptional(),
  handshakes: handshakes.nullable().describe('Null: it has no TLS.').exactOptional(),
});
export type ListenerView = View<typeof listener>;

const check = named('Check', 'A health check that has ended.', {
  ageMs: milliseconds('How long ago.'),
  isPassed: flag('Null: it could not be made, for want of something on this machine.').nullable(),
  detail: text('What came of it.'),
});
export type CheckView = View<typeof check>;

export const server = named('Server', 'A server of an upstream, at one of its addresses.', {
  name: text('As in the file.'),
  address: text(
    'Null: its name has none, or it is the process that reads files, to whom only the proxies go.',
  ).nullable(),
  state: z
    .enum(['unchecked', 'up', 'down', 'ejected', 'unresolved', 'draining', 'disabled'])
    .describe(
      '`unchecked`: it gets work, and nothing has shown yet that it can do it. `unresolved`: it has no address. `draining`: it is up, and ' +
        'gets no new clients. `disabled`: it gets nobody, however it is.',
    ),
  reason: text('Why it is in this state.'),
  stateAgeMs: milliseconds('Null: not known.').nullable(),
  check: text('How it is checked. Null: it is not.').nullable(),
  lastCheck: check.nullable().describe('Null: none has ended yet.'),
  lastFailure: z
    .object({ ageMs: milliseconds('How long ago.'), detail: text('What failed.') })
    .nullable()
    .describe('Of real traffic.'),
  ejectedForMs: milliseconds('How long it gets nothing yet; null: it is not ejected.').nullable(),
  weight: number('From 0 to 256.'),
  weightShare: number('The part of its weight that it has now: less than 1 during a slow start.'),
  isBackup: flag('It gets work when no other server takes any.'),
  maxConnections: count('Null: no limit.').nullable(),
  connections: count('In use there now.'),
  requests: count('Since the start, over upgrades.'),
  failures: count('Of these.'),
  shortages: count(
    "Connections that could not be made for want of something on this machine: no failures of the server's.",
  ),
  traffic: serverTraffic.exactOptional(),
});
export type ServerView = View<typeof server>;

const discovery = named('Discovery', 'Where the servers of an upstream are read while it runs.', {
  from: text('The file, or the URL.'),
  servers: count('That were found, and count in place of those of the file. 0: no list has come yet.'),
  listAgeMs: milliseconds('How long ago the last list came; null: none has since the start.').nullable(),
  problem: z
    .object({ why: text('What is wrong with it.'), forMs: milliseconds('For how long there was none of use.') })
    .nullable()
    .describe('Null: the last list was of use.'),
});
export type DiscoveryView = View<typeof discovery>;

export const upstream = named('Upstream', 'A group of servers.', {
  name: text('As in the file.'),
  balance: text('How a server is chosen.'),
  tls: z
    .enum(['verified', 'unverified'])
    .nullable()
    .describe('Servers are spoken to in TLS, and have to prove who they are, or not. Null: in clear.'),
  waiting: count('Requests and connections that wait for a server.'),
  check: text(
    'How servers are checked that have no check of their own: `http /healthz`. Null: they are not.',
  ).nullable(),
  quorum: z
    .object({
      weight: number('That must be up.'),
      weightUp: number('That is up, backup servers aside.'),
      isMet: flag('That is enough, hysteresis counted.'),
    })
    .nullable()
    .describe('Null: there is none.'),
  traffic: upstreamTraffic.exactOptional(),
  ejections: count('How often one of its servers was ejected.').exactOptional(),
  discovery: discovery.exactOptional(),
  servers: z.array(server),
});
export type UpstreamView = View<typeof upstream>;

const adminState = z.enum(['enabled', 'drain', 'disabled', 'on', 'off']);

export const override = named(
  'Override',
  'What has been said by hand of a server, a listener, the node or maintenance.',
  {
    subject: text(
      '`server web/192.0.2.1:80`, `listener web`, `node`, `maintenance`, `maintenance web` or `maintenance web /shop/`.',
    ),
    state: adminState.nullable().describe('Null: as in the file.'),
    weight: number('Of a server; null: as in the file.').nullable(),
    by: text('Who said so; null: they did not say.').nullable(),
    ageMs: milliseconds('How long ago.'),
    file: z
      .object({ state: adminState, weight: number('Null: it is no server.').nullable() })
      .describe('What the file says.'),
  },
);
export type OverrideView = View<typeof override>;

export const answer = named(
  'Answer',
  'A kind of answer that the proxies gave by themselves because something was wrong.',
  {
    name: text('Of the kind: see troubleshooting.md.'),
    status: count("0: that of the server's last response."),
    text: text('Why, for people.'),
    count: count('Since the start, over upgrades.'),
    resets: count('Of these, connections that were reset: those of TCP listeners, who answer nobody.').exactOptional(),
  },
);
export type AnswerView = View<typeof answer>;
