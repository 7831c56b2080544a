import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatDiagnostic } from '../findings/diagnostic.ts';
import type { FileAccess } from '../front-end.ts';
import { frontEndFor } from '../front-ends.ts';
import { loadDocuments } from '../load.ts';
import type { Config } from '../model/config.ts';
import { DIRECTIVE_NAMES, rulesFor } from './directive-table.ts';
import { nginxFrontEnd } from './front-end.ts';

interface Read {
  readonly config: Config | null;
  readonly said: readonly string[];
}

function read(text: string, included: Readonly<Record<string, string>> = {}): Read {
  const files: FileAccess = {
    read: (path) => (included[path] === undefined ? { reason: 'No such file or directory' } : { text: included[path] }),
    glob: (pattern) => {
      const regex = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`);
      return Object.keys(included).filter((path) => regex.test(path));
    },
  };
  const document = nginxFrontEnd.read({ name: '/etc/nginx/nginx.conf', text }, { files, node: null });
  const { config, diagnostics } = loadDocuments([document], null);
  return { config, said: diagnostics.map(formatDiagnostic) };
}

function inServer(lines: string): Read {
  return read(`events {} http {\nserver {\nlisten 80;\n${lines}\n}\n}`);
}

test('a file is told by its content', () => {
  for (const text of ['events { }\nhttp { }', 'user x;\nhttp\n{\n}', 'server {\n listen 80;\n}', 'upstream web {\n}']) {
    assert.equal(frontEndFor(text, null).name, 'nginx', text);
  }
  for (const text of ['listeners:\n  web: { bind: "*:80" }', 'vrrp_instance VI_1 {\n}', '']) {
    assert.notEqual(frontEndFor(text, null).name, 'nginx', text);
  }
});

test('the classic pair: what it says is what the model has', () => {
  const { config, said } = read(
    `user nginx; worker_processes 2;
events { worker_connections 1024; }
stream { include stream/*.conf; }
http {
  upstream web { server 192.168.15.7:80; server 192.168.15.8:80 weight=2 max_fails=3 fail_timeout=10s; }
  server { listen 80; server_name lb.example.com;
    location / { proxy_pass http://web; proxy_connect_timeout 10s; proxy_read_timeout 10s; proxy_send_timeout 10s;
      proxy_next_upstream error timeout http_500; } } }`,
    { '/etc/nginx/stream/ssh.conf': 'server { listen 1122; proxy_timeout 300s; proxy_pass 192.168.15.7:22; }' },
  );
  assert.deepEqual(
    said.filter((line) => !line.includes('warning')),
    [],
  );
  assert.ok(config !== null);
  assert.equal(config.workers, 2);
  const web = config.upstreams!['web'];
  assert.deepEqual(web.servers![1], {
    address: '192.168.15.8:80',
    weight: 2,
    passive: { failures: 3, within: '10s', eject: '10s' },
  });
  assert.deepEqual(web.timeouts, { connect: '10s', response: '10s', tunnel: '10s' });
  assert.deepEqual(web.pool, { idle: 0 });
  const route = config.listeners!['http-80'].routes![0];
  assert.deepEqual(route.retry, { attempts: 2, on: ['connect', 'reset', 'timeout', 500] });
  assert.deepEqual(route.headers?.request, { set: { Host: 'web' } });
  assert.equal(config.listeners!['tcp-1122'].protocol, 'tcp');
});

test('a server has the time that proxy_read_timeout says, and a longer one only where proxy_send_timeout says that', () => {
  const cases = [
    ['', '1m'],
    ['proxy_read_timeout 2s;', '2s'],
    ['proxy_send_timeout 2s;', '1m'],
    ['proxy_send_timeout 300s;', '5m'],
    ['proxy_read_timeout 2s; proxy_send_timeout 10s;', '10s'],
  ] as const;
  for (const [lines, expected] of cases) {
    const { config } = read(`http { server { listen 80; location / { ${lines} proxy_pass http://192.168.15.7; } } }`);
    const [upstream] = Object.values(config!.upstreams!);
    assert.deepEqual([upstream.timeouts?.response, upstream.timeouts?.tunnel], [expected, expected], lines);
  }
});

const SAID: readonly (readonly [lines: string, expected: RegExp])[] = [
  ['no_such on;', /:4:1: unknown directive "no_such"; .*\[directive-wrong\]/],
  ['proxy_pas http://x;', /unknown directive "proxy_pas"; write proxy_pass /],
  ['worker_processes 1;', /"worker_processes" directive is not allowed here; write it in the file itself/],
  ['location / { listen 81; }', /4:14: "listen" directive is not allowed here/],
  ['merge_slashes;', /invalid number of arguments in "merge_slashes" directive/],
  ['merge_slashes maybe;', /invalid value "maybe" in "merge_slashes" directive, it must be "on" or "off"/],
  [
    'client_max_body_size 1m; client_max_body_size 2m;',
    /"client_max_body_size" directive is duplicate; keep one; the first is on line 4/,
  ],
  ['location / proxy_pass x;', /directive "location" has no opening "\{"/],
  ['root { }', /directive "root" is not terminated by ";"/],
  ['listen 443 ssl;', /no "ssl_certificate" is defined for the "listen ... ssl" directive of 0\.0\.0\.0:443/],
  ['auth_basic "x";', /unsupported: `auth_basic` without `auth_basic_user_file`/],
  ['auth_basic "x"; auth_basic_user_file $uri;', /its path has to be without variables/],
  ['allow unix; deny all;', /invalid parameter "unix"/],
  [
    'location / { proxy_pass https://x; proxy_ssl_server_name on; proxy_ssl_name $host; }',
    /unsupported: `proxy_ssl_name \$host/,
  ],
  [
    'location / { proxy_pass https://x; proxy_ssl_verify on; }',
    /no "proxy_ssl_trusted_certificate" is defined for "proxy_ssl_verify"/,
  ],
  ['location / { proxy_pass http://$http_x; }', /warning: without a `resolver` only addresses/],
  ['location / { resolver 127.0.0.1 valid=x; proxy_pass http://$http_x; }', /invalid parameter: valid=x/],
  ['location / { resolver ns.example; proxy_pass http://$http_x; }', /goes without `resolver ns\.example`/],
  ['location ~ (a)\\1 { return 200; }', /unsupported: the regular expression .*backtracking/],
  [
    'location / { proxy_set_header X $upstream_addr; proxy_pass http://192.0.2.1; }',
    /unsupported: `proxy_set_header X .*\$upstream_addr is known when the response comes/,
  ],
  [
    'location / { proxy_set_header X $request_body; proxy_pass http://192.0.2.1; }',
    /\$request_body is known when the response comes/,
  ],
  [
    'location / { proxy_redirect default; proxy_pass http://192.0.2.1; }',
    /"proxy_redirect default" should be placed after/,
  ],
  ['location / { proxy_pass http://192.0.2.1; proxy_cookie_flags a some; }', /invalid parameter "some"; write secure/],
  ['location /a { } location /a { }', /duplicate location "\/a"/],
  ['access_log /var/log/a.log missing;', /unknown log format "missing"; write a `log_format`/],
  ['access_log off main;', /invalid parameter "main"/],
  ['access_log /var/log/a.log combined buffer=x;', /invalid buffer "x"; write for example buffer=32k/],
  [
    'access_log syslog:server=a.example;',
    /warning: .*`access_log syslog:server=a\.example`: a syslog server is an address/,
  ],
  ['access_log /var/log/$host.log;', /warning: .*no variable can be in its path yet/],
  ['access_log /var/log/a.log combined if=$request_time;', /warning: .*a condition of an access log goes by/],
  ['gzip on; gzip_comp_level 10;', /value must be between 1 and 9; write for example gzip_comp_level 5;/],
  ['gzip on; gzip_min_length x;', /invalid value "x"; write for example gzip_min_length 1k;/],
  ['gzip on; gzip_proxied some;', /invalid value "some"; write one of off, any, /],
  ['gzip on; gzip_disable "msie6";', /warning: these have no effect: `gzip_disable`/],
  ['gzip on; gzip_disable Opera;', /warning: this version goes without `gzip_disable`: what is compressed does not/],
  ['sendfile on;', /warning: these have no effect: `sendfile`/],
  [
    'proxy_set_header A b; location / { proxy_set_header C d; proxy_pass http://192.0.2.1; }',
    /warning: the `proxy_set_header` lines of the outer block do not hold here.*: A;/,
  ],
  ['error_page 404 = @x; location / { return 404; }', /there is no location @x/],
  ['location / { if (-f $uri) { set $a b; } }', /unsupported: `if`/],
  ['satisfy some; allow all;', /unsupported: `satisfy some`/],
  ['set_real_ip_from proxy.example;', /unsupported: `set_real_ip_from proxy\.example`.*could have any address/],
  ['set_real_ip_from 300.0.0.1;', /host not found in set_real_ip_from "300\.0\.0\.1"/],
  ['location / { set_real_ip_from 10.0.0.0/8; }', /unsupported: `set_real_ip_from` in a location/],
  [
    'set_real_ip_from 10.0.0.0/8; } server { listen 80; server_name b;',
    /:4:1: unsupported: `set_real_ip_from` of one of several servers/,
  ],
  [
    'keepalive_timeout 7s; location /a { keepalive_timeout 7s; location /a/b { client_body_timeout 300s; } }',
    /warning: this version goes without `client_body_timeout`: it holds for all requests of an address/,
  ],
  ['} server { listen 80; server_name b; send_timeout 7s;', /warning: this version goes without `send_timeout`/],
  [
    'try_files $uri @a; location @a { return 204; } location / { try_files $uri @a; proxy_pass http://192.0.2.1; }',
    /unsupported: `try_files` beside `proxy_pass`/,
  ],
  ['include missing.conf;', /open\(\) "\/etc\/nginx\/missing.conf" failed: No such file/],
];

for (const [lines, expected] of SAID) {
  test(`${lines}: ${expected.source.slice(0, 60)}`, () => {
    assert.ok(
      inServer(lines).said.some((line) => expected.test(line)),
      inServer(lines).said.join('\n'),
    );
  });
}

test('what stands before a mistake of syntax is looked at in the same round', () => {
  const { said } = read('http {\n  no_such on;\n  server { lisen 80; }\n  server { listen 80;\n');
  assert.deepEqual(
    said.map((line) => line.replace(/;.*/, '')),
    [
      '/etc/nginx/nginx.conf:2:3: unknown directive "no_such"',
      '/etc/nginx/nginx.conf:3:12: unknown directive "lisen"',
      '/etc/nginx/nginx.conf:5:1: unexpected end of file, expecting "}"',
    ],
  );
});

test('backup servers behind the line of a method that has none', () => {
  for (const method of ['ip_hash', 'hash $uri', 'random']) {
    const upstream = (lines: string): readonly string[] => {
      return read(`http { upstream a { ${lines} } server { listen 80; location / { proxy_pass http://a; } } }`).said;
    };
    const servers = 'server 192.0.2.1; server 192.0.2.2 backup;';
    const refused = /balancing method does not support parameter "backup"; leave it out, or leave `\w+` out/;
    assert.match(upstream(`${method}; ${servers}`).join('\n'), refused);
    // nginx looks at a line alone: in front of the method it takes them.
    assert.doesNotMatch(upstream(`${servers} ${method};`).join('\n'), refused);
  }
  const { said } = read('http { upstream a { least_conn; server 192.0.2.1; server 192.0.2.2 backup; } }');
  assert.doesNotMatch(said.join('\n'), /backup/);
});

test('access logs: the innermost block that names some, and what is not there is left out of the line', () => {
  const { config, said } = inServer(
    'access_log /var/log/a.log; access_log logs/b.log; location /a { access_log off; return 204; } ' +
      'location /c { access_log /dev/stdout own; return 204; } location / { return 204; } } ' +
      "log_format own '$status $pid $limit_rate $request_body'; server { listen 81; return 204;",
  );
  assert.ok(config !== null);
  assert.deepEqual(config['access-logs'], {
    a: { file: '/var/log/a.log', format: 'combined' },
    b: { file: '/usr/share/nginx/logs/b.log', format: 'combined' },
    stdout: { stdout: true, format: '{status} - - {request-body}' },
  });
  const web = config.listeners!['http-80'];
  assert.deepEqual(web['access-log'], ['a', 'b']);
  assert.deepEqual(
    web.routes!.map((route) => route['access-log']),
    ['none', 'stdout', undefined],
  );
  assert.equal(config.listeners!['http-81']['access-log'], undefined);
  assert.match(said.join('\n'), /`\$pid`.*\n.*`\$limit_rate`/);
});

const LOGGED =
  'access_log /var/log/own.log own; access_log /var/log/slow.log combined if=$slow; access_log /var/log/odd.log odd;\n' +
  'return 200 "$said";\n}\n' +
  "log_format own '$remote_user $slow $kind $twice $status'; log_format odd 'odd {response:X}';\n" +
  'map $request_time $slow { default 0; "~^[1-9]" 1; }\nmap $slow $twice { 1 yes; }\n' +
  'map $sent_http_content_type $kind { text/css style; }\n';

test('maps that only a log reads are left out of it, where it cannot have them', () => {
  const { config, said } = inServer(`${LOGGED}map $uri $said { / home; } server { listen 81; return 204;`);
  assert.ok(config !== null, said.join('\n'));
  assert.deepEqual(config['access-logs'], { own: { file: '/var/log/own.log', format: '- - {value:kind} - {status}' } });
  const all = said.join('\n');
  assert.match(all, /without `\$slow`, `\$twice`: of what is known when a request is over/);
  assert.match(all, /without `\$remote_user`: what a client says of itself/);
  assert.match(all, /without `access_log ... if=\$slow`: of what is known/);
  assert.match(all, /without `log_format ... odd \{response:X\}`: a word in braces/);
});

test('a map of the end of a request that is not only for a log is refused', () => {
  const { config, said } = inServer(`${LOGGED}map $twice $said { yes 1; } server { listen 81; return 204;`);
  assert.equal(config, null);
  assert.match(said.join('\n'), /unsupported: `\$request_time` .* is known when the request is over/);
});

test('`try_files` without a `root` looks into the folder that nginx has then', () => {
  const { config } = inServer('location / { try_files $uri @a; } location @a { return 204; }');
  const [{ files }] = config!.listeners!['http-80'].routes!;
  assert.equal(files?.root, '/usr/share/nginx/html');
  assert.match(files?.otherwise?.call ?? '', /^a-/);
});

test('fields with an underscore stay where `underscores_in_headers` says so', () => {
  const cases = [
    ['', 'drop'],
    ['underscores_in_headers on;', 'keep-underscores'],
    ['underscores_in_headers on; ignore_invalid_headers off;', undefined],
  ] as const;
  for (const [lines, expected] of cases) {
    const { config } = inServer(`${lines} location / { return 204; }`);
    assert.equal(config!.listeners!['http-80']['odd-fields'], expected, lines);
  }
});

test('a variable of `proxy_pass` that is known stands for its part of the address', () => {
  const { config } = inServer(
    'set $port 8080; location /a { proxy_pass http://192.0.2.1:$port/x/$uri; } location /b { proxy_pass http://192.0.2.1:$server_port/y; }',
  );
  const routes = config!.listeners!['http-80'].routes!;
  assert.deepEqual(
    routes.slice(0, 2).map(({ upstream, rewrite }) => [upstream, rewrite?.target]),
    [
      ['192.0.2.1-8080', '/x/{decoded-path}?'],
      ['192.0.2.1-80', '/y?'],
    ],
  );
});

test('`alias` of a path without a slash may be a file', () => {
  const { config } = inServer('location /robots.txt { alias /srv/www/robots.txt; }');
  const [file, folder] = config!.listeners!['http-80'].routes!;
  assert.deepEqual(
    [file.match, file.files?.root, file.files?.path],
    [{ path: { exact: '/robots.txt' } }, '/srv/www', '/robots.txt'],
  );
  assert.deepEqual([folder.match, folder.files?.root], [{ path: '/robots.txt' }, '/srv/www/robots.txt']);
});

test('a client of a Unix socket is 255.255.255.255 for `geo`', () => {
  const cases = [
    ['255.255.255.255 none; 0.0.0.0/0 world;', 'none'],
    ['192.0.2.0/24 test; 0.0.0.0/0 world;', 'world'],
    ['192.0.2.0/24 test;', undefined],
    ['ranges; 0.0.0.0-255.255.255.254 test;', undefined],
  ] as const;
  for (const [lines, expected] of cases) {
    const { config } = read(`http { geo $g { default d; ${lines} } server { listen 80; return 200 "$g"; } }`);
    assert.equal(config!.values!['g'].networks?.['unix'], expected, lines);
  }
});

test('a path with a space is sent to the location behind its slash', () => {
  const { config, said } = inServer('location "/a b/" { proxy_pass http://192.0.2.1; }');
  assert.ok(config !== null, said.join('\n'));
  assert.match(config.listeners!['http-80'].routes![0].redirect?.to ?? '', /\/a%20b\/\{query\}$/);
});

test('whatever is in that path is escaped, as nginx does it: signs of two units, and what would be a query or a value', () => {
  const cases = [
    ['/😀é/', '/%F0%9F%98%80%C3%A9/'],
    ['/a?b#c%41/', '/a%3Fb%23c%2541/'],
    ['/{client}/', '/%7Bclient%7D/'],
  ];
  for (const [path, escaped] of cases) {
    const { config, said } = inServer(`location "${path}" { proxy_pass http://192.0.2.1; }`);
    assert.ok(config !== null, said.join('\n'));
    const to = config.listeners!['http-80'].routes![0].redirect?.to ?? '';
    assert.ok(to.endsWith(`${escaped}{query}`), to);
  }
});

test('an `if` with a log of its own goes on to the `return` behind it', () => {
  const { config } = inServer('location / { if ($http_x) { access_log /var/log/if.log; } return 403; }');
  const called = config!.listeners!['http-80'].routes!.find(({ name }) => name !== undefined)!;
  assert.equal(called['access-log'], 'if');
  assert.equal(called.respond?.status, 403);
});

test('`off` refuses nothing', () => {
  const { config, said } = inServer('auth_basic off; access_log off; location / { return 204; }');
  assert.ok(config !== null);
  assert.deepEqual(said, []);
});

test('an include may stand anywhere, and what is wrong in it is said with its place', () => {
  const included = { '/etc/nginx/a.conf': 'location / { return 204; }\nbad on;' };
  const { said } = read('http { server { listen 80; include *.conf; include none-*.conf; } }', included);
  assert.deepEqual(said.length, 1);
  assert.match(said[0], /^\/etc\/nginx\/a\.conf:2:1: unknown directive "bad"/);
});

test('a file that includes itself ends', () => {
  const { config, said } = read('include nginx.conf;', { '/etc/nginx/nginx.conf': 'include nginx.conf;' });
  assert.equal(config, null);
  assert.match(said.join('\n'), /includes nested deeper than/);
});

test('every directive of the table has one rule for a context', () => {
  assert.ok(DIRECTIVE_NAMES.length > 500);
  for (const name of DIRECTIVE_NAMES) {
    const contexts = rulesFor(name).flatMap((rule) => rule.contexts);
    assert.equal(new Set(contexts).size, contexts.length, name);
  }
});

test('the files of Debian begin', () => {
  const { config } = read(readFileSync(new URL('../../../../test/config/nginx/debian.conf', import.meta.url), 'utf8'));
  assert.ok(config !== null);
});
