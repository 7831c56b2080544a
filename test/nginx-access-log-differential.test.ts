/** Real nginx and evenkeel with the same nginx.conf: the same requests leave the same lines in the same access logs, but for times. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Evenkeel, freePort, startTcpBackend } from './evenkeel.ts';
import { Daemon, peerSkip, temporaryDirectory } from './peers.ts';
import { until } from './waiting.ts';

const FORMATS = `
  log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                  '"$http_referer" "$http_user_agent" "$http_x_empty" $gzip_ratio';
  log_format upstream "$server_name $host $http_host $server_port $scheme $request_method $uri?$args "
                      "$upstream_addr $upstream_status $upstream_connect_time $upstream_header_time $upstream_response_time "
                      "$upstream_http_x_from $sent_http_x_from $sent_http_content_type $sent_http_x_added $sent_http_content_length $upstream_http_none";
  log_format counts '$request_uri $request_length $request_completion $connection_requests $time_iso8601 $msec $request_time '
                    '$sent_http_content_type $sent_http_content_length "$sent_http_x_added" $upstream_http_x_from';
  log_format object escape=json '{"uri":"$request_uri","agent":"$http_user_agent","kind":"$kind","status":$status}';
  log_format bare escape=none '\${request_uri}:$http_user_agent:$http_none:';
  map $status $bad { ~^[23] 0; default 1; }
  map $http_user_agent $kind { default human; ~*bot bot; }`;

const SERVERS = `
  access_log logs/main.log main buffer=32k flush=1s;
  access_log logs/object.log object;
  access_log logs/bad.log main if=$bad;
  access_log logs/bots.log bare if=$http_x_bot;
  access_log logs/from.log bare if=$upstream_http_x_from;
  access_log logs/moved.log bare if=$sent_http_location;
  add_header X-Added "a b";
  server {
    listen 127.0.0.1:PORT; server_name first.example;
    location / { proxy_pass http://web; }
    location = /moved { return 301 http://elsewhere.example/; }
    location = /text { return 200 "hello\\n"; }
    location /silent { access_log off; proxy_pass http://web; }
    location /own { access_log logs/own.log; access_log logs/own-counts.log counts; return 200 own; }
    location /nested { access_log logs/nested.log; location /nested/inner { return 200 inner; } }
    location /slash/ { access_log logs/slash.log combined; proxy_pass http://web; }
    location /if { if ($kind = bot) { access_log logs/if.log combined; } return 200 if; }
    location /ifpass { if ($kind = bot) { access_log logs/if.log combined; } proxy_pass http://web; }
    location /dead { proxy_pass http://dead; }
    location /rewritten { rewrite ^ /text; }
  }
  server {
    listen 127.0.0.1:PORT; server_name second.example *.second.example;
    access_log logs/second.log upstream;
    location / { proxy_pass http://web; }
    location /retried { proxy_pass http://both; }
    location /off { access_log off; return 204; }
  }`;

const REQUESTS = [
  'GET / | Host: first.example | User-Agent: curl/8 | Referer: http://a/"b\\c',
  'GET /text?a=1&b=%20 | Host: first.example | User-Agent: a bot | X-Bot: 1',
  'GET /status/404 | Host: first.example | User-Agent: "quoted" \\ back | X-Bot: 0',
  'GET /status/204 | Host: first.example | X-Bot: ',
  'HEAD / | Host: first.example',
  'POST /posted | Host: first.example | Content-Length: 5 || hello',
  'GET /silent | Host: first.example',
  'GET /own?x | Host: first.example',
  'GET /moved | Host: first.example',
  'GET /nested/inner | Host: first.example',
  'GET /slash | Host: first.example',
  'GET /if | Host: first.example | User-Agent: bot',
  'GET /if | Host: first.example | User-Agent: human',
  'GET /ifpass | Host: first.example | User-Agent: bot',
  'GET /ifpass | Host: first.example | User-Agent: human',
  'GET /rewritten | Host: first.example',
  'GET /dead | Host: first.example',
  'GET /a%41/../b?c | Host: WWW.Second.Example:8080',
  'GET / | Host: second.example',
  'GET /retried | Host: second.example',
  'GET /off | Host: second.example',
  'GET /other | Host: unknown.example',
];
/** In every log, behind all others. */
const LOGGED = ['/', '/own', '/nested', '/slash/', '/if'];

async function ask(port: number, request: string): Promise<void> {
  const [head, body = ''] = request.split(' || ');
  const [line, ...fields] = head.split(' | ');
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(`${[`${line} HTTP/1.1`, ...fields, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`, 'latin1');
  await once(socket, 'close');
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

/** Without times, its port, and the size of pages that each program has of its own. */
function masked(line: string, port: number): string {
  return line
    .replaceAll(/[0-9]{2}\/[A-Z][a-z]{2}\/[0-9]{4}:[0-9:]{8} [+-][0-9]{4}/g, 'DATE')
    .replaceAll(/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[+-][0-9:]{5}/g, 'DATE')
    .replaceAll(/\b[0-9]+\.[0-9]{3}\b/g, 'TIME')
    .replace(/ (301|404|502) [0-9]+ /, ' $1 SIZE ')
    .replaceAll(String(port), 'PORT');
}

test('nginx and evenkeel write the same lines to the same logs', peerSkip(null, 'nginx'), async (t) => {
  const directory = temporaryDirectory(t);
  const backend = await startTcpBackend(t, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data: Buffer) => {
      const [method, target] = data.toString('latin1').split(' ');
      const status = Number(/\/status\/([0-9]{3})/.exec(target)?.[1] ?? '200');
      const body = status === 204 ? '' : `${method} ${target}\n`;
      const length = status === 204 ? '' : `Content-Length: ${body.length}\r\n`;
      socket.end(
        `HTTP/1.1 ${status} Status\r\nConnection: close\r\nX-From: "web"\r\n${length}\r\n${method === 'HEAD' ? '' : body}`,
      );
    });
  });
  const dead = await freePort();
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((path) => `${path}_temp_path tmp/${path};`);
  const upstreams = `
  upstream web { server ${backend.address}; }
  upstream dead { server 127.0.0.1:${dead}; }
  upstream both { server 127.0.0.1:${dead}; server ${backend.address}; }`;

  const prepare = async (name: string): Promise<{ folder: string; file: string; port: number }> => {
    const folder = join(directory, name);
    for (const one of ['logs', 'tmp']) mkdirSync(join(folder, one), { recursive: true });
    const port = await freePort();
    const file = join(folder, 'nginx.conf');
    writeFileSync(
      file,
      `worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log info;\nevents { worker_connections 64; }\n` +
        `http {\n${paths.join(' ')}\n${FORMATS}\n${upstreams}\n${SERVERS.replaceAll('PORT', String(port))}\n}\n`,
    );
    return { folder, file, port };
  };
  const theirs = await prepare('theirs');
  const ours = await prepare('ours');
  const args = ({ folder, file }: typeof ours): string[] => [
    '-p',
    `${folder}/`,
    '-c',
    file,
    '-g',
    'daemon off; master_process off;',
  ];
  await Daemon.start(t, 'nginx', args(theirs), theirs.port);
  Evenkeel.spawn(t, ['nginx', ...args(ours)]);
  await until(
    () => existsSync(join(ours.folder, 'pid')),
    () =>
      `it never began: ${existsSync(join(ours.folder, 'error.log')) ? readFileSync(join(ours.folder, 'error.log'), 'utf8') : ''}`,
  );

  for (const request of REQUESTS) for (const { port } of [theirs, ours]) await ask(port, request);
  // once more to each log, so that what must not be there has had its time
  const ends = LOGGED.map((path) => `GET ${path}end | Host: first.example | User-Agent: bot | X-Bot: 1`);
  for (const request of [
    ...ends,
    'GET /status/500 | Host: first.example | X-Bot: 1',
    'GET /end | Host: second.example',
  ])
    for (const { port } of [theirs, ours]) await ask(port, request);
  const files = readdirSync(join(theirs.folder, 'logs')).sort();
  assert.equal(files.length, 12);
  const read = ({ folder, port }: typeof ours, file: string): readonly string[] =>
    linesOf(join(folder, 'logs', file)).map((line) => masked(line, port));
  // one that is gathered in nginx
  await until(
    () => read(theirs, 'main.log').some((line) => line.includes('/status/500')),
    () => 'nginx did not write its last line',
  );
  const expected = files.map((file) => [file, ...read(theirs, file)]);
  const found = (): string[][] => files.map((file) => [file, ...read(ours, file)]);
  assert.ok(expected.every((lines) => lines.length > 1));
  // it has written the last line
  await until(
    () => found().every((lines, i) => lines.at(-1) === expected[i].at(-1)),
    () => `nginx has\n${expected.flat().join('\n')}\nand evenkeel\n${found().flat().join('\n')}`,
  ).catch(() => undefined);
  assert.deepEqual(found(), expected);
  assert.deepEqual(readdirSync(join(ours.folder, 'logs')).sort(), files);
});
