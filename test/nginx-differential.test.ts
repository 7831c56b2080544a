/**
 * Real nginx and evenkeel with the same nginx.conf, and with the YAML that `convert` makes of it, in front of the same servers, request by request. Each file of
 * nginx-differential/ has servers for the `http` block, and the requests that are made of them; a file more is a case more. What is
 * not compared is a row of docs/nginx-conf.md: Server and Date, error pages, the connections' own fields, HTTP/1.1 to servers.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { gunzipSync } from 'node:zlib';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Evenkeel, freePort, program, startTcpBackend } from './evenkeel.ts';
import { Daemon, peerSkip, temporaryDirectory } from './peers.ts';

const CASES = fileURLToPath(new URL('../../test/nginx-differential/', import.meta.url));
/** Said by each program about itself or its own connections. */
const NOT_COMPARED = new Set(['server', 'date', 'connection', 'keep-alive', 'transfer-encoding']);
const NOT_COMPARED_AT_SERVER = new Set(['connection', 'keep-alive']);

interface Case {
  readonly name: string;
  readonly servers: string;
  readonly requests: readonly string[];
}

function readCases(): Case[] {
  return readdirSync(CASES)
    .filter((file) => file.endsWith('.conf'))
    .map((file) => {
      const [servers, requests] = readFileSync(join(CASES, file), 'utf8').split('--- requests\n');
      return { name: file.slice(0, -'.conf'.length), servers, requests: requests.trim().split('\n') };
    });
}

/** What a server saw of a request. */
interface Seen {
  readonly server: string;
  readonly line: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** A server that answers as the path says, and remembers what came. */
async function startServer(t: TestContext, name: string, seen: Seen[]): Promise<number> {
  const { port } = await startTcpBackend(t, (socket) => {
    let input = '';
    socket.on('data', (data) => {
      input += data.toString('latin1');
      for (;;) {
        const end = input.indexOf('\r\n\r\n');
        if (end < 0) return;
        const [line, ...fields] = input.slice(0, end).split('\r\n');
        const length = Number(/^content-length: *([0-9]+)/im.exec(input.slice(0, end))?.[1] ?? '0');
        if (input.length < end + 4 + length) return;
        const body = input.slice(end + 4, end + 4 + length);
        input = input.slice(end + 4 + length);
        seen.push({ server: name, line: line.replace(/ HTTP\/1\.[01]$/, ''), fields, body });
        socket.write(answerTo(line, fields));
        if (line.endsWith(' HTTP/1.0')) socket.end();
      }
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
  });
  return port;
}

/** What a response says of how long it may be kept, and in which version it is. */
const KEPT =
  'Expires: Thu, 01 Dec 1994 16:00:00 GMT\r\nCache-Control: private\r\nETag: "theirs"\r\n' +
  'Last-Modified: Tue, 15 Nov 1994 12:45:26 GMT\r\n';
const FIELDS = {
  location: 'Location',
  refresh: 'Refresh',
  cookie: 'Set-Cookie',
  accel: 'X-Accel-Redirect',
  auth: 'WWW-Authenticate',
};

function answerTo(line: string, fields: readonly string[]): string {
  const [method, target] = line.split(' ');
  const status = Number(/\/status\/([0-9]{3})/.exec(target)?.[1] ?? '200');
  const own =
    (target.includes('/cached') ? KEPT : '') +
    'X-Powered-By: test\r\nX-Backend-Secret: 1\r\nX-Accel-Expires: 5\r\nX-Kept: kept\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n';
  if (target.includes('/upgrade') && fields.some((field) => /^upgrade: websocket/i.test(field))) {
    return 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
  }
  if (target.includes('/redirect'))
    return `HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/x\r\nContent-Length: 0\r\n\r\n`;
  // what the path's query asks for
  const query = new URLSearchParams(target.split('?')[1] ?? '');
  const asked = (['location', 'refresh', 'cookie', 'accel', 'auth'] as const).flatMap((name) =>
    query.getAll(name).map((value) => `${FIELDS[name]}: ${value}\r\n`),
  );
  if (asked.length > 0)
    return `HTTP/1.1 ${status} Status\r\nX-Expires: never\r\n${asked.join('')}Content-Length: 0\r\n\r\n`;
  const body = status === 204 ? '' : `${method} ${target}\n`;
  const length = status === 204 ? '' : `Content-Length: ${body.length}\r\n`;
  return `HTTP/1.1 ${status} Status\r\nContent-Type: text/x-test\r\n${own}${length}\r\n${method === 'HEAD' ? '' : body}`;
}

interface Result {
  readonly status: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly seen: readonly Seen[];
}

/** `METHOD target | Field: value | body: text | begins: a line in front of it`; with ` HTTP/1.0` behind the target, and then without Host. */
async function ask(port: number, request: string, seen: Seen[]): Promise<Result> {
  const [start, ...parts] = request.split(' | ');
  const [method, target, version = 'HTTP/1.1'] = start.split(' ');
  const body = parts.find((part) => part.startsWith('body: '))?.slice('body: '.length);
  const first = parts.find((part) => part.startsWith('begins: '))?.slice('begins: '.length);
  const fields = parts.filter((part) => !/^(body|begins): /.test(part));
  if (version === 'HTTP/1.1' && !fields.some((field) => field.startsWith('Host:')))
    fields.unshift('Host: default.example');
  if (!fields.some((field) => field.startsWith('Connection:'))) fields.push('Connection: close');
  if (body !== undefined) fields.push(`Content-Length: ${body.length}`);
  const before = seen.length;
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  let output = '';
  socket.on('data', (data) => {
    output += data.toString('latin1');
    if (output.startsWith('HTTP/1.1 101')) socket.end();
  });
  socket.write(first === undefined ? '' : `${first}\r\n`);
  socket.write(`${method} ${target} ${version}\r\n${fields.join('\r\n')}\r\n\r\n${body ?? ''}`);
  await once(socket, 'close');
  const end = output.indexOf('\r\n\r\n');
  const [line = '', ...answered] = output.slice(0, Math.max(0, end)).split('\r\n');
  const isCompressed = method !== 'HEAD' && answered.some((field) => /^content-encoding: *gzip$/i.test(field));
  return {
    status: line.split(' ')[1] ?? 'closed',
    fields: answered,
    body: isCompressed ? decompressed(output.slice(end + 4)) : output.slice(end + 4),
    seen: seen.slice(before),
  };
}

/** Of chunks, which are where each program puts them. */
function decompressed(chunks: string): string {
  let data = '';
  for (let at = 0; ;) {
    const start = chunks.indexOf('\r\n', at) + 2;
    const length = Number.parseInt(chunks.slice(at, start), 16);
    if (Number.isNaN(length) || length === 0) break;
    data += chunks.slice(start, start + length);
    at = start + length + 2;
  }
  return gunzipSync(Buffer.from(data, 'latin1')).toString('latin1');
}

function nameOf(field: string): string {
  return field.slice(0, field.indexOf(':')).toLowerCase();
}

function shaped(field: string): string {
  return `${nameOf(field)}:${field.slice(field.indexOf(':') + 1).trim()}`;
}

/** What both must have alike. */
function comparable({ status, fields, body, seen }: Result): unknown {
  // where a server has said that it goes on, what follows is the program's own
  const isOwn = seen.length === 0 || /^(<html>|[0-9]{3} )/.test(body);
  const isPage = isOwn && Number(status) >= 300;
  const skipped = (name: string): boolean =>
    NOT_COMPARED.has(name) ||
    (isPage && ['content-type', 'content-length', 'x-request-id', 'retry-after'].includes(name));
  const isText = isOwn && /^(hello|text|none|teapot|file|told)/.test(body);
  return {
    status,
    fields: fields
      .filter((field) => !skipped(nameOf(field)))
      .map(shaped)
      .sort(),
    body: isPage && !isText ? 'a page' : body,
    seen: seen.map(({ server, line, fields: sent, body: sentBody }) => ({
      server,
      line,
      fields: sent
        .filter((field) => !NOT_COMPARED_AT_SERVER.has(nameOf(field)))
        .map(shaped)
        .sort(),
      body: sentBody,
    })),
  };
}

/** Whose turn comes first is anybody's: what counts is how often each one has it. */
function isAboutTurns(name: string): boolean {
  return name === 'next-upstream';
}

test('nginx and evenkeel do the same by the same nginx.conf', peerSkip(null, 'nginx'), async (t) => {
  await compareWithNginx(t, (file) => file);
});

test('nginx by its file and evenkeel by what convert makes of it do the same', peerSkip(null, 'nginx'), async (t) => {
  await compareWithNginx(t, (file) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'convert', file], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const converted = file.replace(/conf$/, 'yaml');
    writeFileSync(converted, stdout);
    return converted;
  });
});

/** What is answered from: every user can read it. */
function makeFiles(directory: string): string {
  const www = join(directory, 'www');
  for (const folder of ['', 'dir', 'empty', 'both', '.hidden', 'a b'])
    mkdirSync(join(www, folder), { recursive: true });
  const files = {
    'index.html': 'file index\n',
    'a.txt': 'file a, of some length\n',
    'a.html': 'file a.html\n',
    'page.X': 'file of another type\n',
    'UPPER.HTML': 'file upper\n',
    'none.': 'file with a dot at its end\n',
    plain: 'file plain\n',
    'empty.txt': '',
    '404.html': 'file for 404\n',
    '50x.html': 'file for 50x\n',
    'dir/index.html': 'file dir index\n',
    'dir/x.txt': 'file x\n',
    'both/second.html': 'file second\n',
    '.dot': 'file dot\n',
    '.hidden/x.txt': 'file hidden\n',
    'a b/c d.txt': 'file with spaces\n',
    'ü.txt': 'file with an umlaut\n',
    'large.bin': 'file '.repeat(50_000),
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(www, name), text);
    utimesSync(join(www, name), 1_700_000_000, 1_700_000_000);
  }
  symlinkSync('a.txt', join(www, 'link.txt'));
  chmodSync(directory, 0o755);
  return www;
}

/** `prepare`: gives the file that evenkeel runs. */
async function compareWithNginx(t: TestContext, prepare: (file: string) => string): Promise<void> {
  const seen: Seen[] = [];
  const servers = new Map<string, number>();
  for (const name of ['a', 'b', 'c']) servers.set(name, await startServer(t, name, seen));
  servers.set('dead', await freePort());
  const cases = readCases();
  const directory = temporaryDirectory(t);
  const www = makeFiles(directory);
  const configure = async (): Promise<{ text: string; ports: number[] }> => {
    const ports: number[] = [];
    let text = '';
    for (const [index, { servers: block }] of cases.entries()) {
      const port = await freePort();
      ports.push(port);
      const filled = block
        .replaceAll('{port}', String(port))
        .replaceAll('{id}', `case${index}`)
        .replaceAll('{socket}', join(directory, `${port}.sock`))
        .replaceAll('{www}', www);
      text += `${filled.replace(/\{(a|b|c|dead)\}/g, (_, name: string) => String(servers.get(name)))}\n`;
    }
    return { text, ports };
  };
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (path) => `${path}_temp_path ${directory}/${path};`,
  );
  const whole = (http: string): string =>
    `daemon off; master_process off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log;\n` +
    `events { worker_connections 256; }\nhttp { access_log off; ${paths.join(' ')}\n${http}}\n`;

  const theirs = await configure();
  const ours = await configure();
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, whole(theirs.text));
  writeFileSync(join(directory, 'evenkeel.conf'), whole(ours.text));
  await Daemon.start(t, 'nginx', ['-p', directory, '-e', join(directory, 'error.log'), '-c', file], theirs.ports[0]);
  const env = { RUNTIME_DIRECTORY: directory };
  const evenkeel = Evenkeel.spawn(t, ['run', prepare(join(directory, 'evenkeel.conf')), '--workers', '1'], { env });
  await evenkeel.said(/ready: .*\n/);

  let compared = 0;
  for (const [index, { name, requests }] of cases.entries()) {
    await t.test(name, async () => {
      const results: { nginx: unknown[]; evenkeel: unknown[] } = { nginx: [], evenkeel: [] };
      for (const written of requests) {
        const request = written
          .replace(/\{(a|b|c|dead)\}/g, (_, server: string) => String(servers.get(server)))
          .replaceAll('{id}', `case${index}`);
        const nginx = normal(JSON.stringify(comparable(await ask(theirs.ports[index], request, seen))), theirs.ports);
        const own = normal(JSON.stringify(comparable(await ask(ours.ports[index], request, seen))), ours.ports);
        compared++;
        results.nginx.push(JSON.parse(nginx));
        results.evenkeel.push(JSON.parse(own));
        if (!isAboutTurns(name)) assert.deepEqual(JSON.parse(own), JSON.parse(nginx), request);
      }
      if (isAboutTurns(name)) assert.deepEqual(turns(results.evenkeel), turns(results.nginx));
    });
  }
  t.diagnostic(`${cases.length} configurations, ${compared} requests`);
}

/** Both programs have ports of their own. */
function normal(text: string, ports: readonly number[]): string {
  return text.replaceAll(/:([0-9]{4,5})\b/g, (found, port: string) => (ports.includes(Number(port)) ? ':PORT' : found));
}

/** By server: how many requests it had; and all statuses. */
function turns(results: readonly unknown[]): unknown {
  const all = results as readonly { status: string; seen: readonly Seen[] }[];
  const counts: Record<string, number> = {};
  for (const { seen } of all) for (const { server } of seen) counts[server] = (counts[server] ?? 0) + 1;
  return { statuses: all.map(({ status }) => status), counts };
}
