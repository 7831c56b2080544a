import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDiagnostic } from '../findings/diagnostic.ts';
import { nginxFrontEnd } from './front-end.ts';

const FILES = { read: () => ({ reason: 'there is none' }), glob: () => [] };
const PAIR = 'ssl_certificate a.pem; ssl_certificate_key a.key;';
const OTHER = 'ssl_certificate /b.pem; ssl_certificate_key /b.key;';

/** What becomes of the first listener, and what is said. */
function read(text: string): {
  readonly tls: unknown;
  readonly listeners: Record<string, Record<string, unknown>>;
  readonly upstreams: Record<string, Record<string, unknown>>;
  readonly said: string;
} {
  const { value, diagnostics } = nginxFrontEnd.read(
    { name: '/etc/nginx/nginx.conf', text: `events { }\n${text}` },
    { files: FILES, node: null },
  );
  const { listeners = {}, upstreams = {} } = value as {
    listeners?: Record<string, Record<string, unknown>>;
    upstreams?: Record<string, Record<string, unknown>>;
  };
  const [first] = Object.values(listeners);
  return { tls: first?.['tls'], listeners, upstreams, said: diagnostics.map(formatDiagnostic).join('\n') };
}

function http(...servers: readonly string[]): ReturnType<typeof read> {
  const blocks = servers.map((server) => `server { ${server} location / { proxy_pass http://192.0.2.1; } }`);
  return read(`http { ${blocks.join('\n')} }`);
}

function sayings(directives: string): string {
  return http(`listen 443 ssl; ${directives}`).said;
}

const DEFAULTS = {
  profile: { versions: ['TLSv1.2', 'TLSv1.3'], ciphers: 'HIGH:!aNULL:!MD5' },
  handshake: '1m',
};
const A = { certificate: '/etc/nginx/a.pem', key: '/etc/nginx/a.key' };
const B = { certificate: '/b.pem', key: '/b.key' };

test('one server is one certificate, by a path that is relative to the file', () => {
  const { tls, said } = http(`listen 443 ssl; server_name a.example; ${PAIR}`);
  assert.deepEqual(tls, { ...A, ...DEFAULTS });
  assert.equal(said, '');
});

test('servers of a socket are found by their names, the default server first', () => {
  const { said } = http(
    `listen 443 ssl; server_name .b.example ~^c; ${PAIR}`,
    `listen 443 ssl default_server; server_name _ www.a.example; ${OTHER}`,
  );
  assert.match(said, /certificate for `server_name ~\^c` alone/);
  const right = http(
    `listen 443 ssl; server_name .b.example; ${PAIR}`,
    `listen 443 ssl default_server; server_name _ www.a.example; ${OTHER}`,
  );
  assert.equal(right.said, '');
  assert.deepEqual(right.tls, {
    certificates: [
      { ...B, names: 'www.a.example' },
      { ...A, names: ['b.example', '*.b.example'] },
    ],
    ...DEFAULTS,
  });
});

test('a server without certificates has those of the default server, whose certificates are for everybody', () => {
  const { tls, said } = http(
    `listen 443 ssl; ${PAIR} ${OTHER} ssl_client_certificate ca.pem;`,
    `listen 443; server_name b.example;`,
    `listen 443; server_name c.example; ssl_verify_client on; ssl_client_certificate ca.pem;`,
  );
  assert.equal(said, '');
  const asked = { 'client-certificate': { ca: '/etc/nginx/ca.pem', mode: 'require', depth: 1 } };
  assert.deepEqual(tls, {
    certificates: [
      { ...B, names: '*' },
      { ...A, names: '*' },
      { ...B, names: 'b.example' },
      { ...A, names: 'b.example' },
      { ...B, names: 'c.example', ...asked },
      { ...A, names: 'c.example', ...asked },
    ],
    ...DEFAULTS,
  });
});

test('two kinds of key, a passphrase and all settings', () => {
  const { tls, said } = http(
    `listen 443 ssl; ${PAIR} ${OTHER} ssl_password_file pass; ssl_protocols TLSv1.1 TLSv1.3; ssl_conf_command Ciphersuites X; ` +
      'ssl_ecdh_curve X25519:P-256; ssl_prefer_server_ciphers on; client_header_timeout 5s; error_page 497 =301 https://$host$request_uri;',
  );
  assert.match(said, /goes without `ssl_protocols TLSv1\.1`/);
  assert.deepEqual(tls, {
    certificates: [
      { ...B, 'passphrase-file': '/etc/nginx/pass', names: '*' },
      { ...A, 'passphrase-file': '/etc/nginx/pass', names: '*' },
    ],
    profile: { versions: 'TLSv1.3', ciphersuites: 'X', groups: 'X25519:P-256', 'server-order': true },
    'plain-http': 'redirect',
    handshake: '5s',
  });
});

test('commands of OpenSSL say what the directives say, and go before them', () => {
  const commands = 'ssl_conf_command CipherString Y; ssl_conf_command Curves X25519;';
  assert.deepEqual(tlsWith(`ssl_ciphers Z; ssl_ecdh_curve P-256; ${commands}`), {
    ...A,
    ...DEFAULTS,
    profile: { ...DEFAULTS.profile, ciphers: 'Y', groups: 'X25519' },
  });
});

test('handshakes for unknown names are refused by the default server', () => {
  const { tls, said } = http(
    'listen 443 ssl; ssl_reject_handshake on;',
    `listen 443 ssl; server_name a.example; ${PAIR}`,
  );
  assert.equal(said, '');
  assert.deepEqual(tls, { certificates: [{ ...A, names: 'a.example' }], ...DEFAULTS, 'unknown-name': 'refuse' });
  assert.match(http('listen 443 ssl; ssl_reject_handshake on;').said, /a certificate is needed/);
  const other = http(`listen 443 ssl; ${PAIR}`, 'listen 443 ssl; server_name b.example; ssl_reject_handshake on;');
  assert.match(other.said, /`ssl_reject_handshake` of a server that is not the default one/);
});

test('a socket without ssl is plain, and `stream` has its own', () => {
  const { listeners } = http(`listen 80; listen 443 ssl; ${PAIR}`);
  assert.deepEqual(
    Object.entries(listeners).map(([name, { tls }]) => [name, tls !== undefined]),
    [
      ['http-80', false],
      ['http-443', true],
    ],
  );
  const stream = read(
    `stream { server { listen 1; listen 2 ssl; ${PAIR} ssl_handshake_timeout 7s; proxy_pass 192.0.2.1:3; } }`,
  );
  assert.equal(stream.said, '');
  assert.equal(stream.tls, undefined);
  assert.deepEqual(stream.listeners['tcp-2']['tls'], { ...A, ...DEFAULTS, handshake: '7s' });
});

test('what protects is refused, what only adds is left out, and what nginx refuses is said', () => {
  assert.match(sayings(`${PAIR} ssl_ocsp on;`), /unsupported: `ssl_ocsp on`/);
  assert.match(sayings(`${PAIR} ssl_early_data on;`), /unsupported: `ssl_early_data`/);
  assert.match(
    sayings('ssl_certificate data:$x; ssl_certificate_key /a;'),
    /unsupported: `ssl_certificate data:\.\.\.`/,
  );
  assert.match(sayings(`${PAIR} ssl_conf_command Options x;`), /unsupported: `ssl_conf_command Options x`/);
  assert.match(sayings(`${PAIR} ssl_conf_command Certificate x;`), /unsupported: `ssl_conf_command Certificate`/);
  assert.match(
    sayings(`${PAIR} ssl_conf_command Options KTLS,PrioritizeChaCha;`),
    /goes without `ssl_conf_command Options KTLS`: records .*goes without `ssl_conf_command Options PrioritizeChaCha`/s,
  );
  assert.match(
    sayings(`${PAIR} ssl_stapling on; ssl_session_tickets off; ssl_early_data off;`),
    /goes without `ssl_stapling`: no response is fetched/,
  );
  assert.match(sayings('ssl_certificate a.pem;'), /no "ssl_certificate_key" is defined for certificate "a\.pem"/);
  assert.match(sayings(''), /no "ssl_certificate" is defined for the "listen \.\.\. ssl" directive of 0\.0\.0\.0:443/);
  assert.match(sayings(`${PAIR} ssl_protocols TLSv1.9;`), /invalid value "TLSv1\.9"/);
});

test('ALPN of `stream`, with clients and with servers', () => {
  const { listeners, upstreams, said } = read(
    `stream { server { listen 1 ssl; ${PAIR} ssl_alpn a b; proxy_ssl on; proxy_ssl_alpn c; proxy_pass 192.0.2.1:3; } }`,
  );
  assert.equal(said, '');
  assert.deepEqual((listeners['tcp-1']['tls'] as { alpn: unknown }).alpn, ['a', 'b']);
  assert.deepEqual(
    Object.values(upstreams).map((upstream) => (upstream['tls'] as { alpn: unknown }).alpn),
    ['c'],
  );
  const varied = read(
    `stream { server { listen 1; proxy_ssl on; proxy_ssl_alpn $ssl_alpn_protocol; proxy_pass 192.0.2.1:3; } }`,
  );
  assert.match(varied.said, /unsupported: `proxy_ssl_alpn \$ssl_alpn_protocol`/);
});

test('the scheme is that of the socket', () => {
  const { listeners } = read(
    `http { server { listen 80; listen 443 ssl; ${PAIR} return 301 $scheme://$host/$https$ssl_protocol; } }`,
  );
  const routes = (name: string): string => JSON.stringify(listeners[name]?.['routes']);
  assert.match(routes('http-80'), /http:\/\/\{host\}\/"/);
});

test('certificates of clients are asked for by the whole socket, or by each server', () => {
  const asks = 'ssl_verify_client on; ssl_client_certificate ca.pem;';
  const client = { ca: '/etc/nginx/ca.pem', mode: 'require', depth: 1 };
  const { tls, said } = http(`listen 443 ssl; ${PAIR} ${asks}`);
  assert.equal(said, '');
  assert.deepEqual(tls, { ...A, 'client-certificate': client, ...DEFAULTS });
  const all = 'ssl_verify_client optional_no_ca; ssl_trusted_certificate /t.pem; ssl_crl /c.pem; ssl_verify_depth 3;';
  assert.deepEqual(http(`listen 443 ssl; ${PAIR} ${all}`).tls, {
    ...A,
    'client-certificate': { 'unannounced-ca': '/t.pem', mode: 'optional-no-ca', crl: '/c.pem', depth: 3 },
    ...DEFAULTS,
  });
  const differ = http(
    `listen 443 ssl; server_name a.example; ${PAIR}`,
    `listen 443 ssl; server_name b.example; ${PAIR} ${asks}`,
    `listen 443 ssl; server_name c.example; ${PAIR}`,
  );
  assert.equal(differ.said, '');
  assert.deepEqual(differ.tls, {
    certificates: [
      { ...A, names: 'a.example' },
      { ...A, names: 'b.example', 'client-certificate': client },
      { ...A, names: 'c.example' },
    ],
    ...DEFAULTS,
  });
  const regex = http(`listen 443 ssl; ${PAIR}`, `listen 443 ssl; server_name ~^b; ${PAIR} ${asks}`);
  assert.match(regex.said, /unsupported: .*`server_name ~\^b` alone/, 'it must not let everybody in');
  const bare = http(
    `listen 443 ssl; server_name a.example; ${PAIR} ${asks}`,
    'listen 443 ssl; server_name b.example; ssl_verify_client optional;',
  );
  assert.equal(bare.said, '');
  assert.deepEqual(bare.tls, {
    certificates: [
      { ...A, names: 'a.example', 'client-certificate': client },
      { ...A, names: 'b.example', 'client-certificate': { ...client, mode: 'optional' } },
    ],
    ...DEFAULTS,
  });
  assert.match(sayings(`${PAIR} ssl_verify_client on;`), /no ssl_client_certificate for ssl_verify_client/);
  assert.match(sayings(`${PAIR} ssl_verify_client maybe;`), /invalid value "maybe"/);
  assert.equal(sayings(`${PAIR} ssl_verify_client off;`), '');
  const server = `listen 443 ssl; ${PAIR} ${asks} error_page 404 496 /x; error_page 495 =403 @y; location @y { return 200 y; }`;
  const { listeners, said: nothing } = http(`${server} location /x { return 200 x; }`);
  assert.equal(nothing, '');
  const { routes } = listeners['http-443'] as {
    routes: readonly { errors: readonly { status: unknown; answer?: number }[] }[];
  };
  const pages = routes.map(({ errors }) => errors.map(({ status, answer }) => [status, answer]));
  const ofServer = [
    [496, undefined],
    [495, 403],
  ];
  assert.deepEqual(pages, [ofServer, [...ofServer, [404, undefined]], ofServer]);
});

test('two servers with the same certificate have it both, whatever the default server has', () => {
  const { tls } = http(
    `listen 443 ssl; server_name a.example; ${PAIR}`,
    `listen 443 ssl; server_name b.example; ${OTHER}`,
    `listen 443 ssl; server_name c.example; ${OTHER}`,
  );
  assert.deepEqual((tls as { certificates: unknown }).certificates, [
    { ...A, names: 'a.example' },
    { ...B, names: 'b.example' },
    { ...B, names: 'c.example' },
  ]);
});

function tlsWith(directives: string): unknown {
  return http(`listen 443 ssl; ${PAIR} ${directives}`).tls;
}

test('tickets, and the files of their keys', () => {
  assert.deepEqual(tlsWith('ssl_session_tickets off; ssl_session_ticket_key a;'), {
    ...A,
    ...DEFAULTS,
    tickets: false,
  });
  assert.deepEqual(tlsWith('ssl_session_ticket_key a;'), { ...A, ...DEFAULTS, 'ticket-keys': '/etc/nginx/a' });
  assert.deepEqual(tlsWith('ssl_session_ticket_key a; ssl_session_ticket_key /b;'), {
    ...A,
    ...DEFAULTS,
    'ticket-keys': ['/etc/nginx/a', '/b'],
  });
  for (const [time, expected] of [
    ['1d', '24h'],
    ['5m', '5m'],
    ['0', '1s'],
    ['1y', '168h'],
  ]) {
    assert.deepEqual(tlsWith(`ssl_session_timeout ${time};`), { ...A, ...DEFAULTS, 'session-timeout': expected });
  }
  const off = 'ssl_session_tickets off;';
  for (const cache of ['shared:SSL:10m', 'builtin', 'builtin:1000 shared:SSL:10m']) {
    const expected = { ...A, ...DEFAULTS, tickets: false, 'session-cache': true };
    assert.deepEqual(tlsWith(`${off} ssl_session_cache ${cache};`), expected);
  }
  assert.deepEqual(tlsWith(`${off} ssl_session_cache none;`), { ...A, ...DEFAULTS, tickets: false });
});
