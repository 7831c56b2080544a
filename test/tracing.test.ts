/** Requests as parts of traces (W3C Trace Context): what servers, logs and collectors are told of them. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Backend, engineSkip, ENGINES, Evenkeel, freePort, startBackend } from './evenkeel.ts';
import { ask as askOver, session } from './http2-client.ts';
import { temporaryDirectory } from './peers.ts';
import { until } from './waiting.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const VALID = `00-${TRACE}-${PARENT}-01`;
const INVALID = `00-${TRACE}-${PARENT}-01-and-more`;

/** What a server was sent. */
type Fields = Readonly<Record<string, string | undefined>>;

/** A server that answers with the fields that it was sent, and to `/missing` with an error. */
function startEcho(t: TestContext): Promise<Backend> {
  return startBackend(t, ({ headers, url }, response) => {
    response.statusCode = url === '/missing' ? 404 : 200;
    response.end(JSON.stringify(headers));
  });
}

async function ask(port: number, headers: http.OutgoingHttpHeaders = {}, path = '/'): Promise<Fields> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path, agent: false, headers }, (response) => {
      let body = '';
      response.on('data', (data: Buffer) => (body += data.toString()));
      response.on('end', () => resolve(JSON.parse(body) as Fields));
    });
    request.on('error', reject);
  });
}

/** The same over HTTP/2. */
async function ask2(t: TestContext, port: number, headers: http.OutgoingHttpHeaders): Promise<Fields> {
  const { body } = await askOver(await session(t, port), headers);
  return JSON.parse(body) as Fields;
}

/** Of a traceparent; what is none fails. */
function partsOf(traceparent: string | undefined): { trace: string; span: string; flags: string } {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$/.exec(traceparent ?? '');
  assert.ok(match !== null, `no traceparent: ${traceparent}`);
  return { trace: match[1], span: match[2], flags: match[3] };
}

for (const engine of ENGINES) {
  test(`[${engine}] without tracing both fields are passed on as they came`, engineSkip(engine), async (t) => {
    const [port, off] = [await freePort(), await freePort()];
    const { address } = await startEcho(t);
    const yaml = `
tracing: { sample: 100% }
listeners:
  on: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] }
  off: { bind: "127.0.0.1:${off}", tracing: false, routes: [ { upstream: web } ] }
upstreams: { web: { servers: [ "${address}" ] } }
`;
    await Evenkeel.start(t, yaml, { engine });
    const sent = { traceparent: INVALID, tracestate: 'a=1' };
    const { traceparent, tracestate } = await ask(off, sent);
    assert.deepEqual({ traceparent, tracestate }, sent);
    assert.equal((await ask(off)).traceparent, undefined);
    const traced = await ask(port, sent);
    assert.notEqual(partsOf(traced.traceparent).trace, TRACE);
    assert.equal(traced.tracestate, undefined);
  });

  test(
    `[${engine}] a valid trace is continued, and of anything else a new one begins`,
    engineSkip(engine),
    async (t) => {
      const port = await freePort();
      const { address } = await startEcho(t);
      const file = join(temporaryDirectory(t), 'access.log');
      const yaml = `
tracing: { sample: none }
access-logs: { main: { file: ${file}, format: "{uri} {trace-id} {span-id} {parent-span-id} {trace-sampled}" } }
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    access-log: main
    routes:
      - { match: { path: { exact: /own } }, upstream: web, headers: { request: { set: { traceparent: mine, X-Trace: "{trace-id}" } } } }
      - { match: { path: { exact: /missing } }, upstream: web, errors: [ { status: 404, to: /page } ], retry: { on: [] } }
      - { upstream: web }
upstreams: { web: { servers: [ "${address}" ] } }
`;
      await Evenkeel.start(t, yaml, { engine });
      for (const isSecond of [false, true]) {
        const asked = (headers: http.OutgoingHttpHeaders): Promise<Fields> =>
          isSecond ? ask2(t, port, headers) : ask(port, headers);
        const { traceparent, tracestate } = await asked({ traceparent: VALID, tracestate: 'a=1,b=2' });
        const { trace, span, flags } = partsOf(traceparent);
        assert.deepEqual([trace, flags, tracestate], [TRACE, '01', 'a=1,b=2']);
        assert.notEqual(span, PARENT);
        const first = partsOf((await asked({ traceparent: INVALID })).traceparent);
        const second = partsOf((await asked({})).traceparent);
        assert.ok(first.trace !== TRACE && first.trace !== second.trace);
        assert.deepEqual([first.flags, second.flags], ['00', '00']);
      }
      const own = await ask(port, { traceparent: VALID, tracestate: 'a=1' }, '/own');
      assert.deepEqual([own.traceparent, own.tracestate, own['x-trace']], ['mine', 'a=1', TRACE]);

      const page = partsOf((await ask(port, {}, '/missing')).traceparent);
      const lineOf = (target: string): string | undefined =>
        readFileSync(file, 'utf8')
          .split('\n')
          .find((line) => line.startsWith(`${target} `));
      await until(() => lineOf('/missing') !== undefined && lineOf('/own') !== undefined);
      assert.equal(
        lineOf('/missing'),
        `/missing ${page.trace} ${page.span} - -`,
        'where it went on it was in the same trace',
      );
      assert.match(lineOf('/own')!, new RegExp(`^/own ${TRACE} [0-9a-f]{16} ${PARENT} 1$`));
    },
  );
}
