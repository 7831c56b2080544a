/** Requests as parts of traces (W3C Trace Context): what servers, logs and collectors are told of them. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
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
      response.on('end', () => {
        try {
          resolve(JSON.parse(body) as Fields);
        } catch (error) {
          reject(error);
        }
      });
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

// --- the collector ---

interface Value {
  readonly stringValue?: string;
  readonly intValue?: string;
}

interface SpanSent {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Value }[];
  readonly status: { readonly code?: number };
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly SpanSent[] }[] }[];
}

/** A collector of OTLP/HTTP: it answers each export as `answer` says. */
class Collector {
  /** Those that it has taken. */
  readonly spans: SpanSent[] = [];
  readonly types = new Set<string | undefined>();
  answers = 0;
  backend!: Backend;

  static async start(t: TestContext, answer: (number: number) => number = () => 200): Promise<Collector> {
    const collector = new Collector();
    collector.backend = await startBackend(t, (request, response) => {
      let body = '';
      request.on('data', (data: Buffer) => (body += data.toString()));
      request.on('end', () => {
        const status = answer(collector.answers++);
        collector.types.add(request.headers['content-type']);
        if (status === 200) collector.take(JSON.parse(body) as Export);
        response.writeHead(status, status === 503 ? { 'retry-after': '0' } : {}).end('{}');
      });
    });
    return collector;
  }

  private take({ resourceSpans }: Export): void {
    for (const { scopeSpans } of resourceSpans) for (const { spans } of scopeSpans) this.spans.push(...spans);
  }

  get endpoint(): string {
    return `http://${this.backend.address}/v1/traces`;
  }

  async spanOf(path: string): Promise<SpanSent> {
    const found = (): SpanSent | undefined => this.spans.find((span) => said(span, 'url.path') === path);
    await until(
      () => found() !== undefined,
      () => `no span of ${path} in ${JSON.stringify(this.spans)}`,
    );
    return found()!;
  }
}

function said({ attributes }: SpanSent, name: string): string | undefined {
  const value = attributes.find(({ key }) => key === name)?.value;
  return value?.stringValue ?? value?.intValue;
}

function exporting(port: number, endpoint: string, server: string): string {
  return `
tracing: { endpoint: "${endpoint}", service: edge, sample: none }
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    routes:
      - { match: { path: { prefix: /fixed } }, respond: { status: 200, body: "{}" } }
      - { match: { path: { prefix: /gone } }, upstream: gone }
      - { match: { path: { prefix: / } }, upstream: web }
upstreams:
  web: { servers: [ "${server}" ] }
  gone: { servers: [ "127.0.0.1:1" ] }
`;
}

const SAMPLED = { traceparent: VALID };

for (const engine of ENGINES) {
  test(`[${engine}] spans of requests that are recorded go to the collector`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const { address } = await startEcho(t);
    const collector = await Collector.start(t);
    await Evenkeel.start(t, exporting(port, collector.endpoint, address), { engine });
    await ask(port, {}, '/unrecorded');
    const sent = partsOf((await ask(port, SAMPLED, '/a/"b"?secret=1')).traceparent);
    await ask2(t, port, SAMPLED);
    await ask(port, SAMPLED, '/fixed');
    await assert.rejects(ask(port, SAMPLED, '/gone'), SyntaxError, 'an error has no JSON');

    const span = await collector.spanOf('/a/"b"');
    assert.deepEqual([span.traceId, span.spanId, span.parentSpanId], [TRACE, sent.span, PARENT]);
    assert.deepEqual([span.name, span.kind, span.status.code], ['GET /', 2, undefined]);
    const tookMs = Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6;
    assert.ok(tookMs >= 0 && Math.abs(Number(BigInt(span.endTimeUnixNano) / 1_000_000n) - Date.now()) < 600_000);
    const expected = { 'http.request.method': 'GET', 'http.route': '/', 'server.address': '127.0.0.1' };
    for (const [name, value] of Object.entries(expected)) assert.equal(said(span, name), value);
    assert.equal(said(span, 'http.response.status_code'), '200');
    assert.equal(said(span, 'client.address'), '127.0.0.1');
    assert.equal(said(span, 'evenkeel.server'), address);
    assert.equal(said(await collector.spanOf('/'), 'network.protocol.version'), '2');
    assert.equal(said(await collector.spanOf('/fixed'), 'evenkeel.reason'), 'answered');
    const gone = await collector.spanOf('/gone');
    assert.deepEqual([gone.status.code, said(gone, 'error.type')], [2, 'connect-failed']);
    await ask(port, SAMPLED, '/last');
    await collector.spanOf('/last');
    assert.equal(collector.spans.length, 5, 'each request has one span, and those that are not recorded have none');
    assert.deepEqual([...collector.types], ['application/json']);
  });

  test(
    `[${engine}] what a collector does not take now is sent again, what it refuses is counted`,
    engineSkip(engine),
    async (t) => {
      const port = await freePort();
      const { address } = await startEcho(t);
      const statuses = [503, 200, 400];
      const collector = await Collector.start(t, (number) => statuses[number] ?? 200);
      const evenkeel = await Evenkeel.start(t, exporting(port, collector.endpoint, address), { engine });
      await ask(port, SAMPLED, '/again');
      await collector.spanOf('/again');
      await evenkeel.said(/tracing: the collector takes no spans: it answers 503/);
      await evenkeel.said(/tracing: the collector takes spans again/);
      await ask(port, SAMPLED, '/refused');
      await evenkeel.said(/tracing: spans are lost that the collector has not taken: it answers 400.* spans=1/);
      await ask(port, SAMPLED, '/after');
      await collector.spanOf('/after');
      assert.deepEqual(
        collector.spans.map((span) => said(span, 'url.path')),
        ['/again', '/after'],
      );
    },
  );

  test(
    `[${engine}] a collector that is not there, or says nothing, costs no request and no stop`,
    engineSkip(engine),
    async (t) => {
      const port = await freePort();
      const { address } = await startEcho(t);
      let asked = 0;
      const silent = await startBackend(t, () => asked++);
      const evenkeel = await Evenkeel.start(t, exporting(port, `http://127.0.0.1:1/v1/traces`, address), { engine });
      await ask(port, SAMPLED);
      await evenkeel.said(/tracing: the collector takes no spans: the connection is refused/);
      for (let i = 0; i < 20; i++) assert.equal((await ask(port, SAMPLED))['host'], `127.0.0.1:${port}`);
      writeFileSync(evenkeel.file, exporting(port, `http://${silent.address}/v1/traces`, address));
      evenkeel.signal('SIGHUP');
      await evenkeel.said(/tracing: spans are lost that the collector has not taken: the connection is refused/);
      await until(async () => {
        await ask(port, SAMPLED);
        return asked > 0;
      });
      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
    },
  );
}
