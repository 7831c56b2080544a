/** "Did you mean": the known word nearest to one that is not known. */

/** The nearest candidate, or null if none is near. Case and `_` for `-` cost nothing. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const wanted = normalise(word);
  // A third of the letters, at least one: `bnid` finds `bind`, `xyz` finds nothing.
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  let best: string | null = null;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, normalise(candidate), bestDistance);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

function normalise(word: string): string {
  return word.slice(0, 64).toLowerCase().replaceAll('_', '-');
}

/** Insertions, deletions, substitutions and swaps of neighbours between two words; `limit` or more is all the same. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}

/** `a`, `a or b`, `a, b or c`. */
export function orList(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
}

/** What nginx, HAProxy and keepalived call it: a key, or a key and its value. Used where there is such a key. */
const ELSEWHERE_CALLED: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    listen: ['bind'],
    port: ['bind', 'address'],
    mode: ['protocol'],
    ssl: ['tls'],
    https: ['tls'],
    crt: ['certificate'],
    cert: ['certificate'],
    certs: ['certificates'],
    'cert-file': ['certificate'],
    'ssl-certificate': ['certificate'],
    'private-key': ['key'],
    'key-file': ['key'],
    'ssl-certificate-key': ['key'],
    'ssl-password-file': ['passphrase-file'],
    'password-file': ['passphrase-file'],
    passphrase: ['passphrase-file'],
    password: ['passphrase-file'],
    directory: ['folder'],
    stapling: ['ocsp'],
    'ocsp-file': ['ocsp'],
    'ssl-stapling-file': ['ocsp'],
    sni: ['names', 'server-name'],
    'verify-hostname': ['server-name'],
    verifyhost: ['server-name'],
    'ca-file': ['ca'],
    'trusted-certificate': ['ca'],
    'crl-file': ['crl'],
    hosts: ['names'],
    protocols: ['versions'],
    'min-version': ['versions'],
    curves: ['groups'],
    'ssl-ciphers': ['ciphers'],
    'ssl-reject-handshake': ['unknown-name'],
    'strict-sni': ['unknown-name'],
    'handshake-timeout': ['handshake'],
    frontends: ['listeners'],
    servers: ['listeners'],
    backends: ['upstreams'],
    pools: ['upstreams'],
    server: ['servers', 'address'],
    host: ['address'],
    ip: ['address'],
    target: ['address'],
    read: ['response'],
    backend: ['upstream'],
    'proxy-pass': ['upstream'],
    'default-backend': ['upstream'],
    'use-backend': ['upstream'],
    locations: ['routes'],
    'server-name': ['host'],
    location: ['path'],
    path: ['http'],
    uri: ['path', 'http'],
    url: ['path', 'http', 'address'],
    algorithm: ['balance'],
    'lb-algo': ['balance'],
    'lb-policy': ['balance'],
    check: ['health'],
    healthcheck: ['health'],
    'health-check': ['health'],
    inter: ['interval'],
    retries: ['retry', 'attempts'],
    maxconn: ['connections', 'max-connections'],
    'max-conns': ['max-connections', 'connections'],
    'max-connections': ['connections'],
    'max-fails': ['failures'],
    'fail-timeout': ['eject'],
    'client-max-body-size': ['body'],
    limits: ['limiters'],
    'rate-limit': ['limiters', 'limits'],
    'limit-req': ['limiters', 'limits'],
    gzip: ['compress'],
    compression: ['compress'],
    'proxy-request-buffering': ['request-buffering'],
    affinity: ['sticky'],
    'session-affinity': ['sticky'],
    'sticky-session': ['sticky'],
    stickiness: ['sticky'],
    keepalive: ['pool', 'idle'],
    return: ['respond', 'redirect'],
    'monitor-uri': ['ready'],
    down: ['state'],
    disabled: ['state'],
    vrrp: ['ha'],
    iface: ['interface'],
    device: ['interface'],
    dev: ['interface'],
    nic: ['interface'],
    'virtual-router-id': ['router-id'],
    vrid: ['router-id'],
    'advert-int': ['advertise'],
    'virtual-ipaddress': ['addresses'],
    'virtual-addresses': ['addresses'],
    vip: ['addresses'],
    'use-vmac': ['virtual-mac'],
    'vrrp-version': ['version'],
    authentication: ['auth'],
    'auth-pass': ['pass'],
    nopreempt: ['preempt: false'],
    'preempt-delay': ['delay'],
    'startup-delay': ['start-delay'],
    'vrrp-startup-delay': ['start-delay'],
    'sync-group': ['group'],
    'vrrp-sync-group': ['group'],
    'unicast-peer': ['unicast'],
    'unicast-src-ip': ['source'],
    'track-interface': ['track'],
    'track-process': ['track'],
    'track-script': ['track'],
    'notify-master': ['active'],
    'notify-backup': ['backup'],
    'notify-fault': ['fault'],
    'notify-stop': ['stop'],
    master: ['active'],
  }),
);

/** What nginx, HAProxy, Envoy and others call a value that is written otherwise here, and what cannot be had. */
const VALUES_ELSEWHERE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    leastconn: 'least-connections',
    'least-conn': 'least-connections',
    'peak-ewma': 'least-time',
    'least-response-time': 'least-time',
    'least-request': 'least-connections',
    lc: 'least-connections',
    wlc: 'least-connections',
    rr: 'round-robin',
    wrr: 'round-robin',
    'static-rr': 'round-robin',
    'ip-hash': 'source-hash',
    source: 'source-hash',
    sh: 'source-hash',
    random: 'random-two',
    p2c: 'random-two',
    uri: 'hash',
    maglev: 'hash',
    'ring-hash': 'hash',
    mysql: 'tcp',
    postgres: 'tcp',
    redis: 'tcp',
    ssh: 'tcp',
    smtp: 'tcp',
    websocket: 'http',
    ws: 'http',
    h2: 'http2',
    h2c: 'http2',
    grpc: 'http2',
    maint: 'disabled',
    down: 'disabled',
    up: 'enabled',
    on: 'enabled',
    off: 'disabled',
    draining: 'drain',
    error: 'connect, reset',
    'connect-failure': 'connect',
  }),
);

/** No choice is meant: what nearly looks like one would do something else. */
const NOT_A_CHOICE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    https: 'write http, and `tls: { certificate: site.pem, key: site.key }` beside it',
    tls: 'write http or tcp, and `tls: { certificate: site.pem, key: site.key }` beside it',
    ssl: 'write http or tcp, and `tls: { certificate: site.pem, key: site.key }` beside it',
    http2: 'write http, and `http2: true` beside it',
    h2: 'write http, and `http2: true` beside it',
    h2c: 'write http, and `http2: true` beside it',
    grpc: 'write http, and `http2: true` beside it',
    sticky: 'leave it out, and write `sticky: { cookie: server }` beside it',
    '5xx': 'write each status: 500, 502, 503, 504',
    '4xx': 'of these only 429 is possible',
  }),
);

/** What to write for a value as it is called elsewhere; null: it is not known. */
export function calledElsewhere(word: string, choices: readonly string[]): string | null {
  const normal = normalise(word);
  const text = NOT_A_CHOICE.get(normal);
  const isMeant =
    text !== undefined && (choices.includes('tcp') || choices.includes('hash') || choices.includes('reset'));
  if (isMeant) return text;
  // HAProxy's `mode` is our `protocol`.
  if (choices.includes('kernel') && (normal === 'tcp' || normal === 'http')) return `write \`protocol: ${normal}\``;
  const known = VALUES_ELSEWHERE.get(normal);
  return known !== undefined && known.split(', ').every((one) => choices.includes(one)) ? `write ${known}` : null;
}

/** Keys of others that have no counterpart, and why none is needed or to be had. */
const KEYS_NOT_NEEDED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    state: 'leave it out: the node of the highest `priority` is active',
    tls: 'write `tls` in the listener, or in the upstream for TLS to its servers',
    ssl: 'write `tls` in the listener, or in the upstream for TLS to its servers',
    'client-ca': 'write `client-certificate: { ca: clients.pem }` in the `tls` of a listener',
    'ca-file': 'write `ca` in the `tls` of an upstream, or in the `client-certificate` of a listener',
    http2: 'write it in a listener, or `protocol: http2` in an upstream',
    'access-log': 'write it in a listener or a route',
    compress: 'write it in a listener or a route',
    'request-buffering': 'write it in a route',
    rate: 'write it in one of `limiters`, at the top level, and the name of that here: `requests: [ { of: NAME } ]`',
    burst: 'write it beside `of` in the `limits` of a route',
    'delay-after': 'write it beside `of` in the `limits` of a route',
    sticky: 'write it in an upstream',
    connect: 'write it in the `timeouts` of an upstream',
    response: 'write it in the `timeouts` of an upstream',
    queue: 'write it in the `timeouts` of an upstream',
    tunnel: 'write it in the `timeouts` of an upstream',
    head: 'write it in the `timeouts` of a listener',
    retry: 'write it in the routes that lead to this upstream',
    retries: 'write `retry` in the routes that lead to this upstream',
    'worker-processes': 'leave it out, and start it with `--workers`',
    workers: 'leave it out, and start it with `--workers`',
  }),
);

/** What a key leads to: the keys of its map, or of the maps in its list; none: no maps. */
export interface KeysBelow {
  readonly isList: boolean;
  readonly keys: readonly string[];
}

/**
 * What to write instead of an unknown key: the one that was meant, or the place where it belongs, or all that are possible.
 * `keys`: what is possible, each with what is below it.
 */
export function adviseUnknownKey(
  unknown: string,
  given: Readonly<Record<string, unknown>>,
  keys: Readonly<Record<string, KeysBelow>>,
): string {
  const free = Object.keys(keys).filter((key) => !Object.hasOwn(given, key));
  const synonyms = ELSEWHERE_CALLED.get(normalise(unknown)) ?? [];
  const known = synonyms.filter((synonym) => free.includes(synonym.split(':')[0]));
  if (known.length > 0) return `write \`${known[0]}\``;
  const near = nearest(unknown, free);
  // a letter too many or too few: likelier than a key that belongs elsewhere
  if (near !== null && isPluralOf(unknown, near)) return writeInstead(near, given[unknown], keys[near]);
  for (const word of [unknown, ...synonyms]) {
    const parents = Object.keys(keys).filter((key) => keys[key].keys.includes(word) && !isOfChecks(key, word));
    if (parents.length > 0) {
      return `write \`${word}\` inside ${orList(parents.map((key) => `${keys[key].isList ? 'each of ' : ''}\`${key}\``))}`;
    }
  }
  const notNeeded = KEYS_NOT_NEEDED.get(normalise(unknown));
  if (notNeeded !== undefined) return notNeeded;
  if (near !== null) return writeInstead(near, given[unknown], keys[near]);
  if (free.length === 0) return 'leave it out';
  return `leave it out; what is possible here: ${free.join(', ')}`;
}

/** Nobody means the TLS of checks alone. */
function isOfChecks(key: string, word: string): boolean {
  return key === 'health' && word === 'tls';
}

/** `timeout` for `timeouts`, or the other way round. */
function isPluralOf(one: string, other: string): boolean {
  const [a, b] = [normalise(one), normalise(other)];
  return a === `${b}s` || b === `${a}s`;
}

/** `value`: what the key that is not known leads to. */
function writeInstead(key: string, value: unknown, { isList, keys }: KeysBelow): string {
  const isScalar = typeof value !== 'object' || value === null;
  if (isScalar && !isList && keys.length > 0) return `write \`${key}\`, and below it ${orList(keys)}`;
  return `write \`${key}\``;
}
