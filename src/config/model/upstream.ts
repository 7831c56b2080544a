/** Upstreams: servers, which of them is chosen, connections to them, their names. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { ServersTls } from './tls.ts';
import { Discover } from './discover.ts';
import { Sticky } from './sticky.ts';
import {
  anyText,
  duration,
  flag,
  headerName,
  integer,
  ip,
  key,
  name,
  nameServer,
  oneOrMany,
  required,
  server,
  serviceName,
  stickyId,
  template,
} from './scalars.ts';
import { Health, Passive, Quorum, ServerHealth, ServerNotify } from './health.ts';
import { ProxyTlvs, TcpKeepalive } from './listener.ts';

const Ping = z.union([
  flag,
  z.strictObject({
    idle: key(duration('1s', '24h'), 'Silence until a server is asked.', DEFAULTS.upstream.ping.idle),
    timeout: key(duration('10ms', '1h'), 'Until it has to have said something.', DEFAULTS.upstream.ping.timeout),
  }),
]);

const Hash = z.strictObject({
  header: key(headerName, 'The value of this header field.'),
  cookie: key(headerName.meta({ title: 'cookie name', examples: ['session'] }), 'The value of this cookie.'),
  query: key(anyText('name of a query parameter', 'user'), 'The value of this query parameter.'),
  path: key(z.literal(true).meta({ examples: [true] }), 'The path, without the query.'),
  text: key(template, 'This text, with values of the request in it.'),
});

const Server = z.strictObject({
  address: required(server, 'As the plain string.', '192.0.2.1:80'),
  service: key(
    serviceName,
    '`address` is a domain without a port, and the SRV records of this service in it say which servers there are, with their ports and weights: ' +
      'those that come first by priority, and the others as backups. `http` is `_http._tcp`. [Services](../health.md#services-srv-records).',
  ),
  weight: key(
    integer(0, 256),
    'Its share of the work, relative to the others. 0: no share, and so nobody new. Of a `service` times that of each record, up to 256.',
    DEFAULTS.upstream.weight,
  ),
  state: key(
    z.enum(['enabled', 'drain', 'disabled']),
    '`drain`: no new client; those that a hash or `sticky` binds to it stay. `disabled`: nobody. What is open goes on in both. ' +
      '`evenkeel server` says the same while it runs, and goes before the file.',
    DEFAULTS.upstream.state,
  ),
  'max-connections': key(
    integer(1, 1_000_000),
    'Connections in use at one time, of all proxies together; more requests wait (`queue`). Without it there is no limit.',
  ),
  backup: key(
    flag,
    'Used only while no other server is up; with `queue: { max: 0 }` also while all others are at `max-connections`.',
    false,
  ),
  passive: key(Passive, "In place of the upstream's."),
  health: key(ServerHealth, "In place of the upstream's."),
  notify: key(ServerNotify, 'Programs that are run when checks find it up or down.'),
  id: key(stickyId, 'With `sticky`: what its clients say and are told, in place of what follows from its address.'),
  copy: key(
    integer(2, 64),
    'Which of several servers with this address it is: each has turns, limits and failures of its own. The first has no number; for twice the share `weight` is enough.',
  ),
});

const UpstreamTimeouts = z.strictObject({
  connect: key(duration('1ms', '1h'), 'Until a connection stands.', DEFAULTS.upstream.timeouts.connect),
  response: key(
    duration('1ms', '576h'),
    "From the request's end to the response's head, and longest silence inside the response's body. Only for HTTP.",
    DEFAULTS.upstream.timeouts.response,
  ),
  idle: key(
    duration('1ms', '576h'),
    `HTTP: an unused connection is kept this long. TCP: silence in both directions (default ${DEFAULTS.upstream.timeouts.idleTcp}).`,
    DEFAULTS.upstream.timeouts.idle,
  ),
  queue: key(
    duration('1ms', '1h'),
    'Longest wait for a server while all are at `max-connections`.',
    DEFAULTS.upstream.timeouts.queue,
  ),
  tunnel: key(
    duration('1ms', '576h'),
    'Silence in both directions after an Upgrade, for example of a WebSocket. Only for HTTP.',
    DEFAULTS.upstream.timeouts.tunnel,
  ),
  'half-closed': key(
    duration('0s', '576h'),
    'Silence of a TCP session, or after an Upgrade, when one side has ended what it sends (FIN): it may have left. `0s`: both sides are ' +
      'closed as soon as all that came before that FIN is delivered.',
    DEFAULTS.upstream.timeouts['half-closed'],
  ),
});

const Pool = z.strictObject({
  idle: key(
    integer(0, 10_000),
    'Unused connections kept per server, by each proxy, at most. 0 keeps none. Without it as many as were in use at one time, and those ' +
      'that are not needed for `timeouts.idle` are closed little by little.',
  ),
  requests: key(integer(1, 1_000_000_000), 'Requests that one connection is used for. Without it any number.'),
  age: key(duration('1ms', '576h'), 'A connection that is older is used no more. Without it it may be of any age.'),
});

const Queue = z.strictObject({
  max: key(
    integer(0, 100_000),
    'Requests of one proxy that may wait while all servers are at `max-connections`; more are 503 at once.',
    DEFAULTS.upstream.queue.max,
  ),
});

const ServerBy = z.strictObject({
  text: required(
    template,
    'A name or an address, with a port or without, with values of the request in it. A path behind it, and a query, replace those of the request.',
    '{header:X-Backend}:8080',
  ),
  upstreams: key(
    z.record(z.string(), name),
    'What the text may be besides: by text, without regard to case, an upstream.',
  ),
  names: key(
    flag,
    'Names are asked for. `false`: only addresses and `upstreams` lead somewhere, all else is 502.',
    DEFAULTS.upstream.serverBy.names,
  ),
  loose: key(
    flag,
    'Values beside other text may bring more than a part of a host: with `:` a port, with `/` or `?` a path and a query, in place of what is written behind them, as in nginx. Else such a request is answered 500. A value that is all of the text may always.',
    DEFAULTS.upstream.serverBy.loose,
  ),
});

const Resolver = z.strictObject({
  servers: key(
    oneOrMany(nameServer),
    "Name servers that are asked, one after the other: addresses, with a port or without. Without it the system's resolver is asked.",
  ),
  valid: key(duration('1s', '24h'), 'How long an answer counts. Without it as long as it says.'),
  timeout: key(duration('1ms', '1h'), 'Until an answer has to be there.', DEFAULTS.upstream.resolver.timeout),
  ipv4: key(flag, 'IPv4 addresses are asked for.', true),
  ipv6: key(flag, 'IPv6 addresses are asked for.', true),
});

export const Upstream = z.strictObject({
  protocol: key(
    z.enum(['http1', 'http2', 'auto']),
    'What servers are spoken to in. `http2`: over TLS and in clear, without asking (prior knowledge). `auto`: with `tls`, what each server ' +
      'chooses (ALPN), HTTP/2 before HTTP/1.1. Only for HTTP.',
    DEFAULTS.upstream.protocol,
  ),
  balance: key(
    z.enum([
      'round-robin',
      'least-connections',
      'least-time',
      'least-whole-time',
      'random-two',
      'source-hash',
      'hash',
      'nginx-ip-hash',
      'nginx-hash',
      'ketama',
    ]),
    'How a server is chosen. `round-robin` and `least-connections` go by weight; `least-time`: by how long a server takes until it answers, times what is under ' +
      'way there; `least-whole-time`: until all of the answer is there; `random-two`: the less loaded of two at random; ' +
      "`source-hash`: by the client's " +
      'address; `hash`: by what `hash` says. Losing one of N servers moves 1/N of the keys. `nginx-ip-hash`, `nginx-hash` and `ketama` choose ' +
      'the server that nginx would with `ip_hash`, `hash` and `hash ... consistent`; the last two go by `hash`.',
    DEFAULTS.upstream.balance,
  ),
  hash: key(
    Hash,
    "With `balance: hash`, `nginx-hash` or `ketama`: one of `header`, `cookie`, `query`, `path`, `text`. For TCP only `text`, with values of the connection. Where it is empty, `hash` goes by the client's address, and nginx's take turns.",
  ),
  sticky: key(Sticky, 'Clients keep their servers. Only for HTTP. [Sticky sessions](../sticky.md).'),
  'server-by': key(
    ServerBy,
    'In place of `servers`: each request says itself which server it goes to. Only for HTTP. Whoever can choose the text can have evenkeel ask any server that it reaches.',
  ),
  resolver: key(Resolver, "Who is asked for names, in `servers` or `server-by`. Without it the system's resolver is."),
  servers: required(
    z.array(z.union([server, Server])).min(1),
    'Strings or maps. `192.0.2.1:80`, `name.example:80` (resolved again and again), `unix:/run/x.sock`. Without port: 80 for HTTP, 443 with `tls`; for TCP it is needed.',
    ['192.0.2.1:80'],
  ).exactOptional(),
  discover: key(
    Discover,
    'Its servers are read while it runs: one of `file` and `url`. Those of `servers` count until the first list is here. [Discovery](../discovery.md).',
  ),
  source: key(
    oneOrMany(ip),
    'Addresses of this machine that connections and checks come from, each in turn, and the next one where one has no local port left. ' +
      'Servers of another family are not concerned. Without it the kernel chooses.',
  ),
  health: key(
    Health,
    'Checks every server. One of `tcp`, `http`, `mysql`, `postgres`, `redis`, `ssh`, `dns`, `run`, `expect`. Without it only `passive` and failed connections tell.',
  ),
  quorum: key(Quorum, 'How much of it must be up, and programs that are run when that changes.'),
  passive: key(Passive, 'Takes a server out that fails for real requests. `{}` has the defaults. Without it none is.'),
  'slow-start': key(
    duration('0s', '1h'),
    'The weight of a server that is up again rises from 1/8 to full in this time.',
    DEFAULTS.upstream.slowStart,
  ),
  timeouts: key(UpstreamTimeouts, "Of the servers' side."),
  'tcp-keepalive': key(TcpKeepalive, "As a listener's, towards servers.", false),
  ping: key(
    Ping,
    'Asks a server of HTTP/2 that says nothing while requests wait for it whether it is still there (PING): `true`, or a map. Without an answer its ' +
      'connection is given up. Servers of gRPC end connections that ask more often than every 5 minutes, unless they are told otherwise.',
    false,
  ),
  'proxy-protocol': key(
    z.union([z.enum(['v1', 'v2']), ProxyTlvs]),
    'Begins every connection to a server with a PROXY protocol header of this version, which names the client; checks say that they ' +
      'are nobody else. A connection is then for one client only: with HTTP none is kept for the next request. `{ tlvs: [ssl, authority] }`: of ' +
      'version 2, with more.',
  ),
  tls: key(
    ServersTls,
    'Servers are spoken to in TLS. `true`: who they are is verified with the certificates of this system; a map says more.',
  ),
  pool: key(Pool, 'Connections kept for the next request. Only for HTTP.'),
  queue: key(Queue, 'Requests that wait for a server.'),
});
