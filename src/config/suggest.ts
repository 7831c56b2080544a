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
    frontends: ['listeners'],
    servers: ['listeners'],
    backends: ['upstreams'],
    pools: ['upstreams'],
    server: ['servers'],
    backend: ['upstream'],
    'proxy-pass': ['upstream'],
    'default-backend': ['upstream'],
    'use-backend': ['upstream'],
    locations: ['routes'],
    'server-name': ['host'],
    location: ['path'],
    uri: ['path'],
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
    keepalive: ['pool', 'idle'],
    return: ['respond', 'redirect'],
    vrrp: ['ha'],
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

/**
 * What to write instead of an unknown key: the one that was meant, or the place where it belongs, or all that are possible.
 * `keys`: what is possible, each with the keys below it.
 */
export function adviseUnknownKey(
  unknown: string,
  given: Readonly<Record<string, unknown>>,
  keys: Readonly<Record<string, readonly string[]>>,
): string {
  const free = Object.keys(keys).filter((key) => !Object.hasOwn(given, key));
  const synonyms = ELSEWHERE_CALLED.get(normalise(unknown)) ?? [];
  const known = synonyms.filter((synonym) => free.includes(synonym.split(':')[0]));
  if (known.length > 0) return `write \`${known[0]}\``;
  for (const word of [unknown, ...synonyms]) {
    const parents = Object.keys(keys).filter((key) => keys[key].includes(word));
    if (parents.length > 0) return `write \`${word}\` inside ${orList(parents.map((key) => `\`${key}\``))}`;
  }
  const near = nearest(unknown, free);
  if (near !== null) return `write \`${near}\``;
  if (free.length === 0) return 'leave it out';
  return `leave it out; what is possible here: ${free.join(', ')}`;
}
