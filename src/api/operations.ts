/**
 * Everything that the admin API does, once: the server answers by this table, the OpenAPI document is made of it, and the commands of
 * `evenkeel` are its clients. A new operation is an entry here and a function in `instance/admin.ts`.
 */
import * as z from 'zod';
import { certificate } from './certificates.ts';
import { listener, override, proxy, server, upstream } from './data-plane.ts';
import { changed, configuration, differences } from './configuration.ts';
import { events } from './events.ts';
import { explanation } from './explanation.ts';
import { OPENMETRICS_TYPE, PROMETHEUS_TYPE } from './metrics/exposition.ts';
import { failedRequest, failedRequests } from './failed-requests.ts';
import { generations } from './generations.ts';
import { route } from './routes.ts';
import { count, named, text, type View } from './shapes.ts';
import { pairNode } from './nodes.ts';
import { node, peers, status } from './status.ts';
import { announce } from './announcements.ts';
import { routeTraffic } from './traffic.ts';
import { router } from './virtual-routers.ts';

/**
 * Who may, beside who has the socket. `open`: everybody who may come at all. `read`: the same on loopback; elsewhere any token.
 * `configuration`: any token. `write`: a token that may do everything.
 */
export type Access = 'open' | 'read' | 'configuration' | 'write';

export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Parameters in braces, as in OpenAPI. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly access: Access;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  /** What is sent with it: JSON that its handler parses. Null: nothing. */
  readonly body: Body | null;
  /** It has an ETag: the answer of `get` says it, and what changes it says in If-Match which one it means. */
  readonly isTagged: boolean;
  /** Of the answer. */
  readonly answer: z.ZodType;
  /** What the answer is: JSON, or text that its handler makes, also bit by bit. */
  readonly media: 'application/json' | `text/${string}`;
  /** Another type that is answered where it is liked better. */
  readonly otherMedia?: `application/${string}`;
  /** Statuses that come with an answer, each with what it means; the first one is the usual. */
  readonly answers: Readonly<Record<number, string>>;
  /** Others: these come with an `Error`. */
  readonly refusals: Readonly<Record<number, string>>;
}

export interface Body {
  readonly media: 'application/json' | 'application/merge-patch+json';
  readonly description: string;
}

export const error = named('Error', 'Why there is no answer.', { error: text('For people.') });

const NOTHING = z.strictObject({});

/** Text in which a whole number is written, from `min` to `max`. */
function integer(min: number, max: number, description: string): z.ZodType<number, string> {
  const message = `write a whole number, ${min} to ${max}`;
  return z
    .string()
    .regex(/^[0-9]{1,10}$/, { error: message })
    .transform(Number)
    .pipe(z.int().min(min, { error: message }).max(max, { error: message }).describe(description));
}

export const WEIGHT_MAX = 256;
/** A year. */
const HAND_OVER_S_MAX = 366 * 86_400;
/** A day. */
const CONFIRM_S_MAX = 86_400;
const PAGE_MAX = 1_000;
const PAGE_DEFAULT = 100;

const WHO = { by: text('Who says so, for the log; beside who may.').exactOptional() };
const who = z.strictObject(WHO);

const PAGE = {
  limit: integer(1, PAGE_MAX, `How many at most, ${PAGE_DEFAULT} without it.`).exactOptional(),
  after: text('The `next` of the page before.')
    .regex(/^[0-9]{1,9}$/, { error: 'write the `next` of the page before' })
    .exactOptional(),
};
const page = z.strictObject(PAGE);

/** A part of a long list. */
function pageOf<S extends z.ZodType>(id: string, item: S) {
  return named(id, 'A part of a list, in the order of the file.', {
    items: z.array(item),
    next: text('The `after` of the next page; null: this is the last one.').nullable(),
  });
}

/** The part of `all` that is asked for. */
export function pageFrom<T, V>(
  all: readonly T[],
  { limit = PAGE_DEFAULT, after = '0' }: { readonly limit?: number; readonly after?: string },
  view: (each: T, index: number) => V,
): { readonly items: readonly V[]; readonly next: string | null } {
  const begin = Number(after) || 0;
  const end = Math.min(all.length, begin + limit);
  const items = all.slice(begin, end).map((each, i) => view(each, begin + i));
  return { items, next: end < all.length ? String(end) : null };
}

const ordered = named('Ordered', 'What has been ordered, and holds.', { text: text('For people.') });
const moved = named('MoveOrdered', 'It is under way: how it ends is in the state of the router.', {
  router: text('Its name.'),
});
const MOVE_REFUSALS = {
  404: 'There is no such virtual router.',
  409: 'It cannot be done now; the reason says why.',
};
const ORDER_REFUSALS = {
  404: 'There is nothing of that name.',
  409: 'It cannot be applied, or not now; the reason says why. Nothing has changed.',
};

const anything = z.unknown();

const readiness = named('Readiness', 'Whether this node takes clients.', {
  ready: z.boolean(),
  why: text('Why it does not.').exactOptional(),
});
const reloaded = named('Reloaded', 'The configuration that is on disk is in force.', {
  changes: z.array(z.string()).describe('What has changed, for people; empty: nothing.'),
});
const upgraded = named('Upgraded', 'Another program is in charge.', {
  pid: count('Of its keeper.'),
  version: text('Its own.'),
});
const namedServer = server.extend({ upstream: text('Whose server it is.') });

const ofServer = z.strictObject({ upstream: text('As in the file.'), server: text('As in the file.') });
const ofListener = z.strictObject({ listener: text('As in the file.') });
const ofUpstream = z.strictObject({ upstream: text('As in the file.') });
const ofRouter = z.strictObject({ router: text('As in the file.') });

const ofPart = z.strictObject({
  at: text('The place: a JSON Pointer (RFC 6901), /upstreams/web/servers/0. Empty: the whole.').max(1_000),
});
const CHANGE = {
  ...WHO,
  confirm: integer(
    1,
    CONFIRM_S_MAX,
    'Seconds in which it has to be confirmed, or the one before comes back. Without it, it stays.',
  ).exactOptional(),
};
const CHANGE_REFUSALS = {
  409: 'It cannot be done now, or not here; the reason says why.',
  412: 'It has changed since it was read.',
  422: 'It is wrong, or cannot be applied: the reasons, a line for each. Nothing has changed.',
  428: 'If-Match is missing: what it is that is changed.',
};
const BODY_REFUSALS = { 413: 'It is too long.', 415: 'It is not sent as JSON.' };
const NOTHING_PENDING = { 409: 'Nothing waits to be confirmed, or it cannot be stored.' };
const NO_PLACE = { 404: 'There is no such place.' };

interface Read<S extends z.ZodType, P extends z.ZodObject, Q extends z.ZodObject> {
  readonly path: `/${string}`;
  readonly summary: string;
  readonly answer: S;
  readonly params?: P;
  readonly query?: Q;
  readonly access?: Access;
  readonly media?: Operation['media'];
  readonly isTagged?: boolean;
  readonly otherMedia?: Operation['otherMedia'];
  readonly answers?: Readonly<Record<number, string>>;
  readonly refusals?: Readonly<Record<number, string>>;
}

function read<S extends z.ZodType, P extends z.ZodObject = typeof NOTHING, Q extends z.ZodObject = typeof NOTHING>({
  path,
  summary,
  answer,
  params,
  query,
  access = 'read',
  media = 'application/json',
  isTagged = false,
  otherMedia,
  answers = { 200: summary },
  refusals = params === undefined ? {} : { 404: 'There is nothing of that name.' },
}: Read<S, P, Q>) {
  const given = { params: (params ?? NOTHING) as P, query: (query ?? NOTHING) as Q };
  const sent = { body: null, isTagged };
  const medias = otherMedia === undefined ? { media } : { media, otherMedia };
  return { method: 'get', path, summary, access, ...given, ...sent, answer, ...medias, answers, refusals } as const;
}

interface Write<S extends z.ZodType, P extends z.ZodObject, Q extends z.ZodObject> {
  readonly method?: 'post' | 'put' | 'patch' | 'delete';
  readonly path: `/${string}`;
  readonly summary: string;
  readonly answer: S;
  readonly params?: P;
  readonly query: Q;
  readonly body?: Body | null;
  readonly isTagged?: boolean;
  readonly answers?: Readonly<Record<number, string>>;
  readonly refusals: Readonly<Record<number, string>>;
}

function write<S extends z.ZodType, Q extends z.ZodObject, P extends z.ZodObject = typeof NOTHING>({
  path,
  summary,
  answer,
  params,
  query,
  method = 'post',
  body = null,
  isTagged = false,
  answers = { 200: 'Done.' },
  refusals,
}: Write<S, P, Q>) {
  const given = { params: (params ?? NOTHING) as P, query };
  const media = 'application/json';
  const sent = { body, isTagged };
  return { method, path, summary, access: 'write', ...given, ...sent, answer, media, answers, refusals } as const;
}

export const OPERATIONS = {
  readiness: read({
    path: '/v1/ready',
    summary: 'Whether this node takes clients: what a load balancer in front of it may ask.',
    access: 'open',
    answer: readiness,
    answers: { 200: 'It takes clients.', 503: 'It does not, and says why.' },
  }),
  status: read({ path: '/v1/status', summary: 'Everything at once.', answer: status }),
  node: read({ path: '/v1/node', summary: 'This node, without its parts.', answer: node }),
  proxies: read({
    path: '/v1/proxies',
    summary: 'The processes that serve, with their memory.',
    answer: z.array(proxy),
  }),
  listeners: read({
    path: '/v1/listeners',
    summary: 'Where clients come.',
    query: page,
    answer: pageOf('Listeners', listener),
  }),
  listener: read({
    path: '/v1/listeners/{listener}',
    summary: 'One listener.',
    params: ofListener,
    answer: listener,
  }),
  upstreams: read({
    path: '/v1/upstreams',
    summary: 'Groups of servers, with their queues.',
    query: page,
    answer: pageOf('Upstreams', upstream),
  }),
  upstream: read({ path: '/v1/upstreams/{upstream}', summary: 'One upstream.', params: ofUpstream, answer: upstream }),
  // Clients that are generated have something else that is called servers.
  allServers: read({
    path: '/v1/servers',
    summary: 'Servers: each with its state, why, since when, and its last check.',
    query: z.strictObject({
      ...PAGE,
      state: server.shape.state.exactOptional().describe('Only those that are in this state.'),
    }),
    answer: pageOf('Servers', namedServer),
  }),
  server: read({
    path: '/v1/upstreams/{upstream}/servers/{server}',
    summary: 'One server, at each of its addresses.',
    params: ofServer,
    answer: z.array(server),
  }),
  overrides: read({
    path: '/v1/overrides',
    summary: 'What has been said by hand, and who said it.',
    answer: z.array(override),
  }),
  routers: read({
    path: '/v1/routers',
    summary: 'Virtual routers, with all their evidence.',
    answer: z.array(router),
  }),
  router: read({
    path: '/v1/routers/{router}',
    summary: 'One virtual router, with all its evidence.',
    params: ofRouter,
    answer: router,
  }),
  announce: read({
    path: '/v1/announcements',
    summary: 'What this node announces to routers, and to whom, with all its evidence.',
    answer: announce.nullable(),
  }),
  certificates: read({
    path: '/v1/certificates',
    summary: 'Certificates that are in use, with when they expire.',
    query: page,
    answer: pageOf('Certificates', certificate),
  }),
  peers: read({ path: '/v1/peers', summary: 'The links to other nodes.', answer: peers.nullable() }),
  nodes: read({
    path: '/v1/nodes',
    summary: 'The nodes of the pair: this one first, and what each of the others has said of itself last.',
    answer: z.array(pairNode),
  }),

  routes: read({
    path: '/v1/listeners/{listener}/routes',
    summary: 'The routes of a listener, in the order in which they are tried.',
    access: 'configuration',
    params: ofListener,
    query: page,
    answer: pageOf('Routes', route),
  }),
  generations: read({
    path: '/v1/generations',
    summary: 'Which plan is in force since when, and what those before it still hold.',
    answer: generations,
  }),
  failedRequests: read({
    path: '/v1/errors',
    summary: "Requests that were answered with an error of evenkeel's own, each with its identifier and its tries.",
    query: z.strictObject({ limit: PAGE.limit }),
    answer: failedRequests,
  }),
  failedRequest: read({
    path: '/v1/errors/{id}',
    summary: 'One of them, by the identifier that the client was told.',
    params: z.strictObject({ id: text('As X-Request-Id said.') }),
    answer: failedRequest,
    refusals: { 404: 'It is none of those that are kept.' },
  }),
  explain: read({
    path: '/v1/explain',
    summary:
      'What would become of a request, a connection or a datagram now: which listener, route, upstream and server it takes, and why.',
    access: 'configuration',
    query: z.strictObject({
      url: text('`https://shop.example/cart`, `tcp://192.0.2.1:5432` or `udp://192.0.2.1:53`.'),
      method: text('Of HTTP: GET without it.').exactOptional(),
      headers: text('Of HTTP: header fields, a line each: `Name: value`.').exactOptional(),
      from: text('The address of the client. Without it that of this machine.').exactOptional(),
      listener: text('Its name, where the URL does not tell.').exactOptional(),
    }),
    answer: explanation,
    refusals: { 400: 'It is no URL, or no listener takes it.', 409: 'Another one is being explained.' },
  }),
  mayOrder: read({
    path: '/v1/may-order',
    summary: 'Whether whoever asks may give orders: if not, it is refused as an order would be.',
    access: 'write',
    answer: named('MayOrder', 'Orders may be given.', { name: text('Of the token. Null: there is none.').nullable() }),
  }),
  configuration: read({
    path: '/v1/configuration',
    summary: 'The configuration in force, without what is secret, and the files that it was made of.',
    access: 'configuration',
    answer: configuration,
    isTagged: true,
  }),
  configurationPart: read({
    path: '/v1/configuration/part',
    summary: 'A part of the configuration in force, without what is secret.',
    access: 'configuration',
    query: ofPart,
    answer: anything,
    isTagged: true,
    refusals: NO_PLACE,
  }),
  configurationDifferences: read({
    path: '/v1/configuration/differences',
    summary: 'What the files say now, where it is not what is in force.',
    access: 'configuration',
    answer: differences,
  }),
  events: read({
    path: '/v1/events',
    summary: 'What has happened of late: the last thousand lines of the log.',
    query: z.strictObject({
      limit: PAGE.limit,
      after: text('The `id` of an event. Without it, from the oldest on.').exactOptional(),
    }),
    answer: events,
  }),
  followEvents: read({
    path: '/v1/events/stream',
    summary:
      'What happens, as server-sent events: `data` is an `Event`. Begins behind `after`, or the header field Last-Event-ID. `event: missed` says how many ' +
      'were not kept. Ends when another program is in charge.',
    query: z.strictObject({ after: text('The `id` of an event. Without it, from the oldest on.').exactOptional() }),
    answer: z.custom<AsyncIterable<string>>(),
    media: 'text/event-stream',
    refusals: { 409: 'As many follow as may.' },
  }),

  routeTraffic: read({
    path: '/v1/traffic/routes',
    summary: 'What was counted of the requests of each route.',
    query: page,
    answer: pageOf('RouteTrafficPage', routeTraffic),
  }),
  metrics: read({
    path: '/metrics',
    summary: 'What Prometheus reads, in its text format, or as OpenMetrics for who likes that better.',
    answer: z.custom<AsyncIterable<string>>(),
    media: PROMETHEUS_TYPE,
    otherMedia: OPENMETRICS_TYPE,
  }),

  reload: write({
    path: '/v1/reload',
    summary: 'Reads the configuration again, and goes on by it. Answered when every proxy does.',
    query: who,
    answer: reloaded,
    refusals: {
      409: 'It cannot be done now, and can be later.',
      422: 'The configuration is wrong or cannot be applied. Nothing has changed.',
    },
  }),
  replaceConfiguration: change({
    method: 'put',
    path: '/v1/configuration',
    summary: 'Replaces the configuration, which goes before the files from then on.',
    query: z.strictObject(CHANGE),
    body: { media: 'application/json', description: 'The configuration, as evenkeel.yaml would have it.' },
    refusals: { ...CHANGE_REFUSALS, ...BODY_REFUSALS },
  }),
  resetConfiguration: change({
    method: 'delete',
    path: '/v1/configuration',
    summary: 'Gives up the configuration that was set by the API, and goes by the files.',
    query: who,
    refusals: CHANGE_REFUSALS,
  }),
  putConfigurationPart: change({
    method: 'put',
    path: '/v1/configuration/part',
    summary: 'Replaces a part of the configuration, or adds one; in a list `-` is behind the last.',
    query: ofPart.extend(CHANGE),
    body: { media: 'application/json', description: 'What is to be there.' },
    refusals: { ...CHANGE_REFUSALS, ...BODY_REFUSALS, ...NO_PLACE },
  }),
  patchConfigurationPart: change({
    method: 'patch',
    path: '/v1/configuration/part',
    summary:
      'Changes a part of the configuration: what is sent replaces what is there by that name, and null takes it out (JSON Merge Patch, RFC 7396).',
    query: ofPart.extend(CHANGE),
    body: { media: 'application/merge-patch+json', description: 'What is to be different.' },
    refusals: { ...CHANGE_REFUSALS, ...BODY_REFUSALS, ...NO_PLACE },
  }),
  deleteConfigurationPart: change({
    method: 'delete',
    path: '/v1/configuration/part',
    summary: 'Takes a part out of the configuration.',
    query: ofPart.extend(CHANGE),
    refusals: { ...CHANGE_REFUSALS, ...NO_PLACE },
  }),
  confirmConfiguration: write({
    path: '/v1/configuration/confirm',
    summary: 'What is in force stays, and is stored.',
    query: who,
    answer: ordered,
    refusals: NOTHING_PENDING,
  }),
  rollBackConfiguration: write({
    path: '/v1/configuration/roll-back',
    summary: 'Takes back at once what was not confirmed.',
    query: who,
    answer: reloaded,
    refusals: { ...NOTHING_PENDING, 422: 'What was before cannot be applied any more. Nothing has changed.' },
  }),
  reopenLogs: write({
    path: '/v1/logs/reopen',
    summary: 'Opens the files of access logs again, which may have been renamed.',
    query: who,
    answer: ordered,
    refusals: { 422: 'A file cannot be opened. Lines go where they went.' },
  }),
  upgrade: write({
    path: '/v1/upgrade',
    summary: 'Gives way to the program that is on disk. Answered when that is in charge.',
    query: who,
    answer: upgraded,
    refusals: { 409: 'This evenkeel is stopping.', 422: 'The program does not serve. Nothing has changed.' },
  }),
  handOver: write({
    path: '/v1/routers/{router}/hand-over',
    summary: 'Gives the addresses of a virtual router, and of its group, to a peer that agrees to take them.',
    params: ofRouter,
    query: z.strictObject({
      ...WHO,
      for: integer(
        1,
        HAND_OVER_S_MAX,
        'Seconds that the peer keeps them at least, while it serves. Without it until `resume`.',
      ).exactOptional(),
    }),
    answer: moved,
    answers: { 202: 'It is ordered.' },
    refusals: MOVE_REFUSALS,
  }),
  resume: write({
    path: '/v1/routers/{router}/resume',
    summary: 'Lets a virtual router take back what it handed over, if its priority says so.',
    params: ofRouter,
    query: who,
    answer: moved,
    answers: { 202: 'It is ordered.' },
    refusals: MOVE_REFUSALS,
  }),
  drainServer: order('/v1/upstreams/{upstream}/servers/{server}/drain', 'Sends no new clients to a server.', ofServer),
  disableServer: order('/v1/upstreams/{upstream}/servers/{server}/disable', 'Sends nobody to a server.', ofServer),
  enableServer: order(
    '/v1/upstreams/{upstream}/servers/{server}/enable',
    'Sends clients to a server, by the weight of the file.',
    ofServer,
  ),
  weighServer: write({
    path: '/v1/upstreams/{upstream}/servers/{server}/weight',
    summary: 'Gives a server another weight.',
    params: ofServer,
    query: z.strictObject({
      ...WHO,
      to: integer(0, WEIGHT_MAX, 'The weight. Without it that of the file.').exactOptional(),
    }),
    answer: ordered,
    refusals: ORDER_REFUSALS,
  }),
  drainListener: order('/v1/listeners/{listener}/drain', 'Refuses new connections to a listener.', ofListener),
  enableListener: order('/v1/listeners/{listener}/enable', 'Opens a listener that was drained.', ofListener),
  maintenanceOn: close('/v1/maintenance/on', 'Answers clients with the page for maintenance.'),
  maintenanceOff: close('/v1/maintenance/off', 'Serves clients again.'),
  drainNode: order('/v1/node/drain', 'This node is not ready, and tells clients to go, if a peer stays.', NOTHING),
  enableNode: order('/v1/node/enable', 'This node is ready again.', NOTHING),
} as const satisfies Readonly<Record<string, Operation>>;

function change<Q extends z.ZodObject>(given: Omit<Write<typeof changed, typeof NOTHING, Q>, 'answer' | 'isTagged'>) {
  return write({ ...given, answer: changed, isTagged: true });
}

function order<P extends z.ZodObject>(path: `/${string}`, summary: string, params: P) {
  return write({ path, summary, params, query: who, answer: ordered, refusals: ORDER_REFUSALS });
}

function close(path: `/${string}`, summary: string) {
  const query = z.strictObject({
    ...WHO,
    listener: text('Its routes. Without it those of all listeners.').exactOptional(),
    route: text('Of the listener: this one alone, as metrics call it.').exactOptional(),
  });
  return write({ path, summary, query, answer: ordered, refusals: ORDER_REFUSALS });
}

export type OperationId = keyof typeof OPERATIONS;

export interface Input<Id extends OperationId> {
  /** JSON; empty: the operation has none. */
  readonly body: string;
  /** If-Match; empty: the operation has none. */
  readonly ifMatch: string;
  readonly params: View<(typeof OPERATIONS)[Id]['params']>;
  readonly query: View<(typeof OPERATIONS)[Id]['query']>;
}

export type Answer<Id extends OperationId> = View<(typeof OPERATIONS)[Id]['answer']>;
