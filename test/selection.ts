/** Which test files a run has, and how it goes about each. */

/** A test file, or several, by how their paths begin. */
type Start = string;

/** Layers that know nothing of the world: their tests can share a process. */
const PURE: readonly Start[] = ['base', 'wire', 'config', 'core', 'port', 'proxy', 'vip'].map(
  (layer) => `src/${layer}/`,
);

/** Others whose tests leave a process as they have found it. */
const TIDY: readonly Start[] = ['api', 'cli', 'commands', 'files', 'instance', 'keeper', 'load', 'rehearsal'].map(
  (layer) => `src/${layer}/`,
);

/** What takes longest, the longest first: begun last, the others would be over and it would be waited for alone. */
const LONG: readonly Start[] = [
  'test/campaign-kills',
  'test/ha-upgrade',
  'test/vip/kernel-',
  'test/keepalived-differential',
  'test/killed-keeper',
  'test/peer-link',
  'sim/fleet',
  'test/shortages',
  'test/ha-hand-over',
  'test/stop.test',
  'test/vip/network-manager',
  'test/upgrade.test',
  'test/vip/re',
  'test/configuration-by-api',
  'test/servers-by',
  'test/ha-run',
  'sim/tls.test',
  'test/udp',
  'test/interop-nginx',
  'test/access-log',
  'test/acme',
  'test/dashboard',
  'test/supervision',
  'test/tls-certificates',
  'test/keepalived-servers-differential',
  'test/ha-moves',
  'test/health',
  'test/upgrade-failures',
  'test/vip/addresses',
  'test/http-slow',
  'sim/sim.test',
  'test/campaign.test',
  'test/http-limits',
  'test/vip/flood',
  'test/tracing',
  'test/start',
  'test/http2-attacks',
  'test/interop-paths',
  'test/demo',
  'test/interop-tls',
  'test/admin-api',
  'test/syslog',
  'test/half-closed',
  'test/proxy-protocol',
  'test/keepalived-command',
  'test/reload',
  'test/tls-',
  'test/nginx-command',
  'sim/vrrp',
  'test/vip/sizes',
  'src/io',
  'test/tcp-relay',
  'test/killed-proxy',
  'test/ha-reload',
  'test/check.test',
  'test/systemd-originals',
  'test/nginx-',
  'test/watch',
];

/** With keepalived: how long it takes for what is nobody's fault here, and tests of a pair measure how long clients wait. */
const ALONE: readonly Start[] = ['test/ha-interop'];

/** What continuous integration runs, and a run without words does not: each takes long and seldom finds what others do not, and why. */
const LEFT: Readonly<Record<Start, string>> = {
  'test/ha-interop': 'pairs with a real keepalived, which waits for seconds at each step; nothing else runs meanwhile',
  'test/keepalived-differential': 'each configuration by a real keepalived too, which waits for seconds at each step',
  'test/keepalived-servers-differential':
    'each configuration by a real keepalived too, which waits for seconds at each check',
  'test/dashboard': 'a real browser, which is started for each test',
  'test/nginx-servers-tls-differential': 'TLS to servers by a real nginx too',
  'test/nginx-tls-differential': 'TLS with clients by a real nginx too',
  'test/interop-': 'other programs as clients and servers, each started for it',
  'test/systemd-': 'a whole systemd with the packages of those that evenkeel replaces',
  'test/vip/sizes': 'as many addresses as can be',
  'test/vip/kernel-sessions':
    'a real OpenSSH and MariaDB; plain connections go through the same in test/vip/kernel-mode',
  'test/vip/network-manager': 'what other programs do to an interface, each thing to a router of its own',
  'test/acme': 'a real authority, which is started again for each test, and makes its clients wait',
  'test/debian-package': 'packages are made and unpacked',
  'test/campaign-kills': 'kills at random, which find little in a few rounds; a whole systemd with them',
};

export interface Selection {
  /** They share processes. */
  readonly sharing: readonly string[];
  /** One process each, in the order in which they begin. */
  readonly others: readonly string[];
  /** When none of the others runs. */
  readonly alone: readonly string[];
  /** They are not run: how their paths begin, and why. */
  readonly left: readonly (readonly [start: Start, why: string])[];
}

export interface Wanted {
  /** Only files whose path has one of them; none: all. */
  readonly words: readonly string[];
  readonly isUnitOnly: boolean;
  /** Those too that a run without words leaves out. */
  readonly hasLong: boolean;
}

export function select(all: readonly string[], { words, isUnitOnly, hasLong }: Wanted): Selection {
  const files = all
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .filter((file) => !isUnitOnly || startsWith(file, PURE))
    .toSorted();
  const left = Object.entries(LEFT).filter(
    ([start]) => words.length === 0 && !hasLong && files.some((file) => file.startsWith(start)),
  );
  const run = files.filter((file) => !left.some(([start]) => file.startsWith(start)));
  const sharing = run.filter((file) => startsWith(file, PURE) || startsWith(file, TIDY));
  const alone = run.filter((file) => startsWith(file, ALONE));
  const others = run
    .filter((file) => !sharing.includes(file) && !alone.includes(file))
    .toSorted((one, other) => rank(one) - rank(other));
  return { sharing, others, alone, left };
}

function startsWith(file: string, starts: readonly Start[]): boolean {
  return starts.some((start) => file.startsWith(start));
}

function rank(file: string): number {
  return LONG.findIndex((start) => file.startsWith(start)) + 1 || LONG.length + 1;
}
