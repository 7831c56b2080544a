/**
 * Every default of the configuration, as an operator would write it. The one place: the compiler fills them in from here,
 * and the reference page and the JSON Schema show them from here.
 */
export const DEFAULTS = {
  grace: '30s',
  drain: '10m',
  listener: {
    protocol: 'http',
    timeouts: { head: '10s', body: '30s', idle: '75s', 'half-closed': '1s' },
    limits: { head: '16KiB', headers: 100, body: '1GiB', 'body-rate': 256, connections: 20000 },
    forwarded: 'replace',
    access: { otherwise: 'deny' },
    passthrough: { wait: '100ms', postgres: false },
    udp: { idle: '60s' },
    trust: { field: 'X-Forwarded-For', hops: 'all', pass: false },
    'odd-fields': 'pass',
  },
  tls: {
    profile: 'intermediate',
    serverOrder: false,
    'unknown-name': 'default',
    'plain-http': 'refuse',
    handshake: '10s',
    client: { mode: 'require', depth: 1 },
    tickets: true,
    'session-cache': false,
  },
  acme: {
    directory: 'https://acme-v02.api.letsencrypt.org/directory',
    challenge: 'http-01',
  },
  route: {
    redirect: { status: 302 },
    upgrade: true,
    intercept: false,
    internal: false,
    respond: { status: 200, body: '', contentType: 'text/plain; charset=utf-8' },
    files: { index: 'index.html', 'default-type': 'application/octet-stream', dotfiles: false },
    // Three tries: one server down and its neighbour full is still served. Only where nothing was sent yet.
    retry: { attempts: 3, on: ['connect'] },
  },
  upstream: {
    balance: 'round-robin',
    httpPort: 80,
    httpsPort: 443,
    tls: { verify: true, sni: true, 'session-reuse': true },
    weight: 1,
    state: 'enabled',
    slowStart: '0s',
    // idle is shorter than the idle timeout of nginx (75 s) as a backend, so that we close first.
    timeouts: {
      connect: '3s',
      response: '60s',
      idle: '60s',
      idleTcp: '10m',
      queue: '5s',
      tunnel: '1h',
      'half-closed': '1m',
    },
    queue: { max: 1024 },
    health: {
      method: 'GET',
      status: '200-299',
      transport: 'tcp',
      interval: '2s',
      timeout: '1s',
      rise: 2,
      fall: 3,
      jitter: 0.1,
    },
    passive: { failures: 3, within: '10s', eject: '10s' },
  },
  value: { of: '{client}', otherwise: '' },
  step: { rewrite: { end: 'next' } },
  ha: {
    priority: 100,
    version: 3,
    advertise: '1s',
    // Many switches, hypervisors and clouds drop frames of a MAC address that they did not hand out.
    virtualMac: false,
    preempt: true,
    startDelay: '0s',
    // Every router takes one off: only what was sent on this segment has all of it (RFC 5082).
    minTtl: 255,
    process: { match: 'exact' },
    script: { interval: '2s', timeout: '2s', recoverTimeout: '10s', rise: 1, fall: 2, weight: 0 },
    weight: 0,
    notify: { arguments: 'router', timeout: '60s' },
    // The kernel's main table.
    route: { table: 254, type: 'unicast' },
    rule: { type: 'lookup' },
  },
} as const;
