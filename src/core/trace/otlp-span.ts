/**
 * A request that has ended as a span of OpenTelemetry, in the JSON of OTLP (opentelemetry-proto 1.x, `ExportTraceServiceRequest`), with the names of the semantic
 * conventions for HTTP servers. What is said of it comes as a line of JSON from the proxy that had it (config/plan/span-line.ts).
 */
import type { SpanLine } from '../../config/plan/span-line.ts';

type Value = { readonly stringValue: string } | { readonly intValue: string } | { readonly doubleValue: number };

interface Attribute {
  readonly key: string;
  readonly value: Value;
}

export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number };
}

const KIND_SERVER = 2;
const STATUS_ERROR = 2;
/** The trace is recorded; whether the parent is another process is known; it is. */
const FLAG_SAMPLED = 1;
const FLAG_KNOWS_REMOTE = 0x100;
const FLAG_IS_REMOTE = 0x200;
const SERVER_ERRORS = 500;
const CLIENT_ERRORS = 400;
/** Those that the conventions know; another one may be anything. */
const METHODS: ReadonlySet<string> = new Set('GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY'.split(' '));

/** Null: the line is none. */
export function spanOf(text: string): OtlpSpan | null {
  let line: SpanLine;
  try {
    line = JSON.parse(text) as SpanLine;
  } catch {
    return null;
  }
  const endMs = Math.round(line.end * 1000);
  const isKnown = METHODS.has(line.method);
  const path = pathOfRoute(line.route);
  const name = isKnown ? line.method : 'HTTP';
  return {
    traceId: line.trace,
    spanId: line.span,
    ...(line.parent === '' ? {} : { parentSpanId: line.parent }),
    ...(line.state === '' ? {} : { traceState: line.state }),
    flags: FLAG_SAMPLED | FLAG_KNOWS_REMOTE | (line.parent === '' ? 0 : FLAG_IS_REMOTE),
    name: path === '' ? name : `${name} ${path}`,
    kind: KIND_SERVER,
    startTimeUnixNano: nanoseconds(endMs - Math.round(line.took * 1000)),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributesOf(line, path),
    status: isError(line) ? { code: STATUS_ERROR } : {},
  };
}

function nanoseconds(ms: number): string {
  return `${ms}000000`;
}

/** A server has failed, or what was answered did not get to its end. Errors of clients are none of servers. */
function isError({ endedBy, status }: SpanLine): boolean {
  return status >= SERVER_ERRORS || (endedBy !== 'nobody' && status < CLIENT_ERRORS);
}

function attributesOf(line: SpanLine, path: string): readonly Attribute[] {
  const attributes: Attribute[] = [];
  const say = (key: string, text: string): void => {
    if (text !== '') attributes.push({ key, value: { stringValue: text } });
  };
  const count = (key: string, number: number): void => {
    attributes.push({ key, value: { intValue: `${number}` } });
  };
  const isKnown = METHODS.has(line.method);
  const { address, port } = hostOf(line.host);
  const version = /^HTTP\/(1\.[01]|2)/.exec(line.protocol)?.[1] ?? '';
  say('http.request.method', isKnown ? line.method : '_OTHER');
  if (!isKnown) say('http.request.method_original', line.method);
  say('url.scheme', line.scheme);
  say('url.path', line.target.replace(/\?.*$/s, ''));
  say('http.route', path);
  say('server.address', address);
  if (port !== '') count('server.port', Number(port));
  if (line.status > 0) count('http.response.status_code', line.status);
  if (isError(line)) say('error.type', line.endedBy === 'nobody' ? `${line.status}` : line.reason);
  say('client.address', line.client);
  say('network.peer.address', line.peer);
  if (line.peerPort !== '' && line.peerPort !== '0') count('network.peer.port', Number(line.peerPort));
  say('network.protocol.version', version);
  say('user_agent.original', line.agent);
  say('evenkeel.listener', line.listener);
  say('evenkeel.upstream', line.upstream);
  say('evenkeel.reason', line.reason);
  if (line.tries > 0) {
    count('evenkeel.tries', line.tries);
    say('evenkeel.server', line.server);
    say('evenkeel.server.status', line.serverStatus);
  }
  if (line.queued > 0) attributes.push({ key: 'evenkeel.queued', value: { doubleValue: line.queued } });
  return attributes;
}

/** Of a route as config/plan/route-label.ts has it: its path, unless that is an expression, or there is none. */
function pathOfRoute(route: string): string {
  return /^(?:[A-Z,]+ )?[^\s/=~@]*=?(\/.*)$/.exec(route)?.[1] ?? '';
}

function hostOf(authority: string): { readonly address: string; readonly port: string } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(authority);
  return match === null ? { address: authority, port: '' } : { address: match[1], port: match[2] ?? '' };
}

/** What a collector is sent. */
export function exportOf(spans: readonly OtlpSpan[], service: string, host: string): string {
  const resource = {
    attributes: [
      { key: 'service.name', value: { stringValue: service } },
      { key: 'host.name', value: { stringValue: host } },
    ],
  };
  return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'evenkeel' }, spans }] }] });
}

/** How many spans of those that were sent a collector says that it has refused (`partialSuccess`). */
export function refusedIn(answer: string): number {
  try {
    const { partialSuccess } = JSON.parse(answer) as { partialSuccess?: { rejectedSpans?: string | number } };
    const refused = Number(partialSuccess?.rejectedSpans ?? 0);
    return refused > 0 ? refused : 0;
  } catch {
    return 0;
  }
}
