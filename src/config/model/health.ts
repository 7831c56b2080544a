/** How the health of servers is found out, and who is told of it. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { ServersTls } from './tls.ts';
import {
  absolutePath,
  anyText,
  command,
  databaseUser,
  dnsName,
  duration,
  flag,
  fraction,
  grpcService,
  integer,
  ip,
  key,
  method,
  oneOrMany,
  programUser,
  regex,
  statusRange,
  target,
} from './scalars.ts';

export const Passive = z.strictObject({
  failures: key(
    integer(1, 1_000_000),
    'This many failed requests or connections ...',
    DEFAULTS.upstream.passive.failures,
  ),
  within: key(duration('1ms', '24h'), '... within this time ...', DEFAULTS.upstream.passive.within),
  eject: key(duration('1ms', '24h'), '... and the server gets nothing for this long.', DEFAULTS.upstream.passive.eject),
});

/** What is run when something is up, is not any more, and when evenkeel stops while it is. */
const programsOf = (up: string, down: string, stop: string) =>
  ({
    up: key(command, up),
    down: key(command, down),
    stop: key(command, stop),
    timeout: key(duration('1s', '1h'), 'A program that takes longer is ended.', DEFAULTS.upstream.notify.timeout),
    user: programUser,
  }) as const;

export const Quorum = z.strictObject({
  weight: key(
    integer(1, 65_535),
    'The weights of the servers that are up, together, must be at least this. With less, `backup` servers take the clients, if one is up.',
    DEFAULTS.upstream.quorum.weight,
  ),
  hysteresis: key(
    integer(0, 65_534),
    'The quorum is there with this much more, and lost with less than this much less.',
    DEFAULTS.upstream.quorum.hysteresis,
  ),
  ...programsOf(
    'Run when the quorum is there: at the start too, and after it was lost.',
    'Run when it is lost.',
    'Run when evenkeel stops while it is there.',
  ),
});

export const ServerNotify = z.strictObject(
  programsOf(
    'Run when checks say that the server is up again.',
    'Run when checks say that it is down.',
    'Run when evenkeel stops while it is up.',
  ),
);

/** What is asked, and where. */
const probeKeys = {
  tcp: key(z.literal(true).meta({ examples: [true] }), 'The server is up if it accepts a connection.'),
  http: key(target, 'The server is up if it answers a request for this path (and query) as expected.'),
  grpc: key(
    grpcService,
    'The server is up if grpc.health.v1 says that this service is SERVING; `""`: the server as a whole. Only with `protocol: http2` or `auto`.',
  ),
  mysql: key(databaseUser, 'The server is up if this user can log in to MySQL or MariaDB without a password.'),
  postgres: key(databaseUser, 'The server is up if PostgreSQL begins to authenticate this user.'),
  redis: key(z.literal(true).meta({ examples: [true] }), 'The server is up if Redis answers PING.'),
  ssh: key(z.literal(true).meta({ examples: [true] }), 'The server is up if it says that it speaks SSH 2.'),
  dns: key(
    dnsName,
    'The server is up if it answers a DNS query for the A records of this name, over UDP, without an error (NOERROR).',
  ),
  file: key(
    absolutePath,
    'The server is up unless this file of this node says a number other than 0; without the file it is up.',
  ),
  run: key(
    command,
    'The server is up if this program ends with exit code 0: its whole path, and its arguments. No shell. `{address}` and `{port}` in an argument are the ' +
      "server's.",
  ),
  user: programUser,
  'exit-weight': key(
    flag,
    'With `run`: exit codes from 2 to 255 pass too, and until the next run the weight of the server is that code less 2; with 0 it is its own.',
    DEFAULTS.upstream.health['exit-weight'],
  ),
  udp: key(
    z.literal(true).meta({ examples: [true] }),
    'The server is up unless the system says, within `timeout` of a datagram (`send`), that nobody is there. No answer is waited for.',
  ),
  expect: key(regex, 'The server is up if what it sends matches this regular expression, within the first 16 KiB.'),
  send: key(
    anyText('text', 'PING\r\n'),
    'With `expect`: what it is sent first. Without it the server speaks first. With `udp`: what is in the datagram; without it nothing.',
  ),
  transport: key(
    z.enum(['tcp', 'udp']),
    'With `expect`: `udp`: `send` is a datagram, and so is what it answers.',
    DEFAULTS.upstream.health.transport,
  ),
  method: key(method, 'With `http`: the method.', DEFAULTS.upstream.health.method),
  host: key(anyText('host', 'shop.example'), "With `http`: the Host field. Without it the server's address."),
  status: key(
    oneOrMany(statusRange),
    'With `http`: the status codes of a server that is up: 200, `"200-299"`, or a list of them.',
    DEFAULTS.upstream.health.status,
  ),
  body: key(anyText('text', 'ok'), 'With `http`: text that the first 64 KiB of the body must contain.'),
  address: key(ip, "Where to check, of every server that this holds for. Without it the server's own address."),
  port: key(integer(1, 65535), "Where to check. Without it the server's own port."),
};

const HealthPart = z.strictObject({
  ...probeKeys,
  tls: key(z.literal(false).meta({ examples: [false] }), 'In clear, where the first part goes over TLS.'),
});

export const Health = z.strictObject({
  ...probeKeys,
  also: key(
    z.array(HealthPart).min(1).max(16).meta({ title: 'list of checks' }),
    'More that has to pass: asked one after the other, each within `timeout`, behind what stands beside this list.',
  ),
  tls: key(
    ServersTls,
    "Checks go over TLS, as with the upstream's `tls`, which they follow without it. `false`: in clear.",
  ),
  interval: key(duration('10ms', '24h'), 'From one check to the next.', DEFAULTS.upstream.health.interval),
  timeout: key(duration('1ms', '1h'), 'A check that takes longer has failed.', DEFAULTS.upstream.health.timeout),
  rise: key(
    integer(1, 1000),
    'Checks in a row that must pass until a server is up again.',
    DEFAULTS.upstream.health.rise,
  ),
  fall: key(integer(1, 1000), 'Checks in a row that must fail until a server is down.', DEFAULTS.upstream.health.fall),
  'retry-after': key(
    duration('10ms', '24h'),
    'From a check that has failed, while the server is up, to the next one. Without it `interval`.',
  ),
  initial: key(
    z.enum(['up', 'down']),
    'What a server is thought to be until its first check has ended.',
    DEFAULTS.upstream.health.initial,
  ),
  jitter: key(
    fraction(0, 1),
    'Each interval is longer or shorter by up to this share of it, so that checks do not come all at once.',
    DEFAULTS.upstream.health.jitter,
  ),
});

/** Its TLS is that of the upstream's checks: there are no certificates for one server alone. */
export const ServerHealth = Health.extend({
  tls: key(
    z.literal(false).meta({ examples: [false] }),
    "In clear. Without it as the upstream's checks: by their `tls`, or the upstream's.",
  ),
});
