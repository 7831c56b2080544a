/** Listeners: where clients are served, by which protocol, within which bounds. */
import * as z from 'zod';
import { CHUNK_LINE_BYTES_MAX, HEADER_COUNT_MAX, HEAD_BYTES_MAX } from '../../base/limits.ts';
import { FORWARDS } from '../../base/forward.ts';
import { DEFAULTS } from './defaults.ts';
import { accessLogNames } from './access-log.ts';
import { Compress } from './compress.ts';
import { Tls } from './tls.ts';
import { tcpKeys } from './tcp.ts';
import {
  alpnProtocol,
  bind,
  duration,
  flag,
  headerName,
  host,
  integer,
  key,
  name,
  oneOrMany,
  required,
  size,
  trustedNetwork,
} from './scalars.ts';
import { httpOnly } from './phrases.ts';
import { Forwarded } from './header-edits.ts';
import { Route } from './route.ts';

export const TcpKeepalive = z.union([
  flag,
  z.strictObject({
    idle: key(
      duration('1s', '9h'),
      "Silence until a peer is asked. Without it the system's `net.ipv4.tcp_keepalive_time`.",
    ),
    interval: key(
      duration('1s', '9h'),
      "From one unanswered question to the next. Without it the system's `tcp_keepalive_intvl`.",
    ),
    probes: key(
      integer(1, 127),
      "Questions without an answer that end the connection. Without it the system's `tcp_keepalive_probes`.",
    ),
  }),
]);

const ListenerTimeouts = z.strictObject({
  head: key(
    duration('1ms', '1h'),
    'From the first byte of a request to the end of its head; then 408.',
    DEFAULTS.listener.timeouts.head,
  ),
  body: key(
    duration('1ms', '24h'),
    "Longest silence inside a request's body, and what `limits.body-rate` is the average over, of requests and responses.",
    DEFAULTS.listener.timeouts.body,
  ),
  idle: key(
    duration('1ms', '24h'),
    'Silence before the first request of a connection, and between requests; then it is closed.',
    DEFAULTS.listener.timeouts.idle,
  ),
  age: key(
    duration('1ms', '576h'),
    'A connection that is older is closed behind the response to its next request. Without it it may be of any age.',
  ),
  'half-closed': key(
    duration('1ms', '1h'),
    'From the end of what a client sends (FIN) until the response of a server begins; then the request is given up, also at the server.',
    DEFAULTS.listener.timeouts['half-closed'],
  ),
});

const ListenerLimits = z.strictObject({
  head: key(
    size(4 * CHUNK_LINE_BYTES_MAX, HEAD_BYTES_MAX),
    "Size of a request's head, from the first byte to the empty line; more is 431, or 414 if the request line alone is longer.",
    DEFAULTS.listener.limits.head,
  ),
  headers: key(
    integer(1, HEADER_COUNT_MAX),
    'Number of header fields in a request; more is 431.',
    DEFAULTS.listener.limits.headers,
  ),
  body: key(
    size(0, 8191 * 2 ** 40),
    "Size of a request's body; more is 413. Bodies are streamed: this is no memory.",
    DEFAULTS.listener.limits.body,
  ),
  'body-rate': key(
    size(0, 2 ** 30),
    "Bytes per second that a request's body must come with, on average over each `timeouts.body`; slower is 408. A response that its client takes slower is cut off. 0: any rate.",
    DEFAULTS.listener.limits['body-rate'],
  ),
  connections: key(
    integer(1, 10_000_000),
    'Connections at one time, of all proxies together; further ones wait in the kernel. Each proxy takes its share, rounded up.',
    DEFAULTS.listener.limits.connections,
  ),
  requests: key(
    integer(1, 1_000_000_000),
    'Requests that come over one connection; it is closed behind the response to the last one. Without it any number.',
  ),
});

const HelloRoute = z.strictObject({
  'server-name': key(
    oneOrMany(host),
    'The client asks for this host (SNI). `*.shop.example` is every name under shop.example. Without it any, also none.',
  ),
  alpn: key(oneOrMany(alpnProtocol), 'The client offers one of these protocols (ALPN).'),
  upstream: required(name, 'Where the connection goes.', 'shop'),
});

const Passthrough = z.strictObject({
  routes: key(
    z
      .array(HelloRoute)
      .min(1)
      .meta({ examples: [[{ 'server-name': 'shop.example', upstream: 'shop' }]] }),
    'The first one that fits what the client says counts. Without it `choose` says where connections go, by `{tls-server-name}`.',
  ),
  wait: key(
    duration('1ms', '10s'),
    'How long a client may say nothing until it goes to `upstream`: it may speak a protocol in which the server begins.',
    DEFAULTS.listener.passthrough.wait,
  ),
  postgres: key(
    flag,
    'Clients of PostgreSQL are answered that they may speak TLS (SSLRequest), and go by the host that they ask for then; their servers are asked ' +
      'in turn.',
    DEFAULTS.listener.passthrough.postgres,
  ),
});

const trustedPeers = oneOrMany(trustedNetwork);

const ProxyProtocol = z.strictObject({
  from: required(
    trustedPeers,
    'Networks, addresses, or `unix`: connections of these must begin with a header of version 1 or 2, and are reset without one. ' +
      'Others are taken for clients.',
    ['10.0.0.0/8'],
  ),
  trust: key(
    z.union([z.literal('none'), trustedPeers]),
    'Whose header says who the client is. Without it that of all who send one; with `none` it is read and nobody is believed.',
  ),
});

export const ProxyTlvs = z.strictObject({
  tlvs: required(
    z.array(z.enum(['authority', 'alpn', 'ssl', 'unique-id', 'crc32c'])).min(1),
    'What a header of version 2 says besides. `authority`: the host that the client has asked for (SNI); `alpn`: the protocol that was agreed on ' +
      'with it; `ssl`: version and cipher suite of its TLS; `unique-id`: that of the request, or of the connection; `crc32c`: a checksum.',
    ['authority', 'ssl'],
  ),
});

const decision = z.enum(['allow', 'deny']);

const Access = z.strictObject({
  networks: required(
    z.record(z.string().meta({ title: 'network', examples: ['10.0.0.0/8'] }), decision),
    'By network or address: whether its clients may connect. The longest that has an address counts. `unix`: clients of a Unix socket.',
  ),
  otherwise: key(decision, 'For everybody else.', DEFAULTS.listener.access.otherwise),
});

const Udp = z.strictObject({
  idle: key(
    duration('1ms', '576h'),
    'A session ends after this silence in both directions.',
    DEFAULTS.listener.udp.idle,
  ),
  responses: key(
    integer(0, 1_000_000),
    'Datagrams with which a server answers each one of the client: then the session ends, and a server that does not answer has failed. ' +
      '0: it does not answer. Without it any number, so that sessions end by silence.',
  ),
  requests: key(
    integer(1, 1_000_000),
    'Datagrams of a client in one session: the next one begins another session, which may be with another server. Without it any number.',
  ),
});

export const Listener = z.strictObject({
  bind: required(
    oneOrMany(bind),
    'Where to listen: `*:80` (IPv4 and IPv6), `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/run/x.sock`, or a list of them.',
    '*:80',
  ),
  protocol: key(
    z.enum(['http', 'tcp', 'udp']),
    '`http`: HTTP/1.1 and HTTP/1.0, by `routes`. `tcp`: bytes, to one `upstream`. `udp`: datagrams, to one `upstream`.',
    DEFAULTS.listener.protocol,
  ),
  tls: key(Tls, 'TLS with clients, which ends here: servers get what is inside. Without it connections are plain.'),
  http2: key(
    flag,
    'Whether clients may speak HTTP/2: over TLS if they ask for it (ALPN); in clear if they begin with it, without asking (prior knowledge). ' +
      `What servers are spoken to in is their upstream's \`protocol\`. ${httpOnly}`,
    DEFAULTS.listener.http2,
  ),
  udp: key(Udp, 'Which datagrams belong together: a session. Only for `protocol: udp`.'),
  timeouts: key(ListenerTimeouts, `Of the client's side. ${httpOnly}`),
  limits: key(ListenerLimits, "Of the client's side. For `protocol: tcp` and `udp` only `connections`."),
  'tcp-keepalive': key(
    TcpKeepalive,
    "Asks clients that say nothing whether they are still there (TCP keep-alive): `true` as the system's settings say, or `{ idle: 60s, " +
      'interval: 10s, probes: 5 }`. In whole seconds, rounded up. Holds for connections that come from then on.',
    false,
  ),
  via: key(
    headerName.meta({ title: 'pseudonym', examples: ['evenkeel'] }),
    `Adds \`Via: 1.1 <this>\` in both directions. ${httpOnly}`,
  ),
  forwarded: key(
    Forwarded,
    'What servers are told of the client. `replace`: X-Forwarded-For is its address alone, whatever it claimed. `append`: behind what ' +
      'it sent. `pass`: nothing is added, and whatever it claims is passed on. ' +
      `\`{ trust: [...] }\`: what these proxies say is believed and passed on. ${httpOnly}`,
    DEFAULTS.listener.forwarded,
  ),
  'escaped-slash': key(
    z.enum(['keep', 'decode', 'refuse']),
    'What `%2F` in a path is for `routes`. `keep`: a part of a name; `decode`: a slash; `refuse`: answered 400. Without it a ' +
      `request is answered 400 if its route depends on that. ${httpOnly}`,
  ),
  'other-host': key(
    z.enum(['refuse', 'ignore']),
    'What becomes of a request whose target is absolute (`GET http://shop.example/ HTTP/1.1`) and has another host than its Host field. ' +
      `\`refuse\`: answered 400; \`ignore\`: it is for the host in its target, which servers get in Host (RFC 9112 section 3.2.2). ${httpOnly}`,
    DEFAULTS.listener['other-host'],
  ),
  'odd-fields': key(
    z.enum(['pass', 'drop', 'keep-underscores']),
    'What becomes of fields whose name has anything but letters, digits and hyphens (`X_User`, which CGI, WSGI and PHP take for ' +
      `\`X-User\`). \`keep-underscores\`: those with other characters are dropped, \`X_User\` is passed on. ${httpOnly}`,
    DEFAULTS.listener['odd-fields'],
  ),
  routes: key(
    z
      .array(Route)
      .min(1)
      .meta({ examples: [[{ upstream: 'web' }]] }),
    `What happens to a request: the first route that matches. None: 404. ${httpOnly}`,
  ),
  'access-log': key(
    accessLogNames,
    'Names of `access-logs` that its requests are in, unless their route says otherwise, or its sessions of TCP or UDP.',
    DEFAULTS.listener['access-log'],
  ),
  compress: key(
    Compress,
    `Compresses responses of servers for clients that take it: \`true\`, or how. [Compression](../compression.md). ${httpOnly}`,
    false,
  ),
  tracing: key(
    flag,
    `Requests take part in traces (W3C Trace Context): [tracing](../tracing.md). Without it as \`tracing\` for all says. ${httpOnly}`,
  ),
  upstream: key(name, 'Where connections and datagrams go. Only for `protocol: tcp` and `udp`.'),
  mode: key(
    z.enum(['relay', 'kernel']),
    '`relay`: a proxy has a connection to the client and one to a server. `kernel`: the kernel forwards packets to a server. ' +
      '[Kernel mode](../kernel-mode.md). Only for `protocol: tcp` and `udp`.',
    DEFAULTS.listener.mode,
  ),
  forward: key(
    z.enum(FORWARDS),
    "`nat`: a server sees the client's address, and has to answer through this node. `snat`: it sees the listener's address, and may be anywhere. `dsr`: it has " +
      "the listener's address itself, is in the same network, and answers the client directly. Only for `mode: kernel`.",
    DEFAULTS.listener.forward,
  ),
  ...tcpKeys,
  passthrough: key(
    Passthrough,
    'Passes TLS on as it is, by the host that the client asks for: nothing is decrypted, and servers have the certificates. What fits no ' +
      'route, or is not TLS, goes to `upstream`, and is reset without one. Only for `protocol: tcp`.',
  ),
  'proxy-protocol': key(
    ProxyProtocol,
    'Takes PROXY protocol headers from load balancers in front of this one: who they say has connected is the client. With `protocol: udp` each ' +
      'datagram has one, of version 2.',
  ),
  access: key(
    Access,
    'Who may connect; the connections of others are reset, and their datagrams dropped. Only for `protocol: tcp` and `udp`: a route of ' +
      'HTTP answers them (`steps`).',
  ),
});
