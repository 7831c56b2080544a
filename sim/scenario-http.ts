/** The drawn HTTP clients: what each sends on its connection, how fast, and what must become of it. */
import type { Prng } from '../src/base/prng.ts';
import type { ListenerPlan } from '../src/config/plan/listener.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import type { RoutePlan } from '../src/config/plan/route.ts';
import { parseRoutes } from '../src/config/plan/route-text.ts';
import { TRAILER_BYTES_MAX } from '../src/base/limits.ts';
import { idText } from './content.ts';
import { FULL_PACE, type Pace } from './peers/port.ts';
import type { StreamSpec } from './peers/stream.ts';
import { drawAcceptEncoding } from './scenario-compress.ts';
import type { Fault } from './faults.ts';

export type BodySpec =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | {
      readonly kind: 'chunked';
      readonly bytes: number;
      /** Of the trailer section; 0: none. */
      readonly trailerBytes: number;
      readonly hasExtensions: boolean;
    };

/** What the configuration says must become of a request if nothing breaks. */
export type Expectation =
  | { readonly kind: 'proxy'; readonly route: RoutePlan; readonly upstream: string; readonly target: string }
  | { readonly kind: 'respond'; readonly status: number; readonly body: string }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  /** Refused for what it is. `isLate`: perhaps only after it was passed on in part. */
  | { readonly kind: 'refuse'; readonly statuses: readonly number[]; readonly isLate: boolean };

export interface RequestSpec {
  readonly id: number;
  readonly method: string;
  readonly target: string;
  /** Null: HTTP/1.0 without Host. */
  readonly host: string | null;
  /** The target is sent in absolute form. */
  readonly isAbsolute: boolean;
  /** Empty lines in front, which RFC 9112 section 2.2 tells a server to ignore. */
  readonly emptyLines: number;
  readonly version: 10 | 11;
  readonly body: BodySpec;
  readonly fields: readonly (readonly [string, string])[];
  readonly expectsContinue: boolean;
  /** Upgrade to a tunnel with these two sides. `isEager`: the client does not wait for 101 before it goes on. */
  readonly tunnel: { readonly client: StreamSpec; readonly server: StreamSpec; readonly isEager: boolean } | null;
  /** The client says that this is the last one. */
  readonly closes: boolean;
  readonly thinkUs: number;
  readonly expect: Expectation;
}

export interface AbortSpec {
  /** When so many bytes were sent, or received. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly how: 'reset' | 'close' | 'silence' | 'deafness';
}

export interface HttpClientSpec {
  readonly id: number;
  readonly seed: number;
  readonly address: string;
  readonly listener: string;
  readonly startUs: number;
  readonly requests: readonly RequestSpec[];
  /** Requests sent before the first of them is answered. */
  readonly pipelineDepth: number;
  readonly writePace: Pace;
  readonly readPace: Pace;
  readonly abort: AbortSpec | null;
  /** After the last request: FIN at once, FIN after the last response, or wait for the proxy to close. */
  readonly goodbye: 'end-early' | 'close' | 'wait';
}

const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'REPORT'];
const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']);

export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

export function drawHttpClients(prng: Prng, plan: Plan, faults: ReadonlySet<Fault>): HttpClientSpec[] {
  const listeners = plan.listeners.filter((listener) => listener.protocol === 'http');
  const clients: HttpClientSpec[] = [];
  const count = 1 + prng.below(prng.oneIn(3) ? 16 : 6);
  const spreadUs = prng.oneIn(3) ? 20_000 : 2_000_000;
  for (let c = 0; c < count; c++)
    clients.push(drawClient(prng, faults, listeners[prng.below(listeners.length)], c, spreadUs));
  return clients;
}

function drawClient(
  prng: Prng,
  faults: ReadonlySet<Fault>,
  listener: ListenerPlan,
  id: number,
  spreadUs: number,
): HttpClientSpec {
  const requests: RequestSpec[] = [];
  const count = 1 + prng.below(prng.oneIn(3) ? 8 : 3);
  const pipelineDepth = prng.oneIn(3) ? 1 + prng.below(5) : 1;
  for (let r = 0; r < count; r++) {
    const request = drawRequest(prng, faults, listener, id * 100 + r, r === count - 1);
    requests.push(request);
    if (request.closes || request.tunnel !== null || request.expect.kind === 'refuse') break;
  }
  const bind = listener.binds[prng.below(listener.binds.length)].address;
  const isSlow = faults.has('slowClients') && prng.oneIn(2);
  const isAborting = faults.has('abortingClients') && prng.oneIn(2);
  const isSilent = faults.has('silentClients') && prng.oneIn(2);
  return {
    id,
    seed: prng.nextU32(),
    address: drawAddress(prng, id),
    listener: `${bind.host}:${bind.port}`,
    startUs: prng.below(spreadUs),
    requests,
    pipelineDepth,
    writePace: isSlow && prng.oneIn(2) ? drawSlowPace(prng) : FULL_PACE,
    readPace: isSlow && prng.oneIn(2) ? drawSlowPace(prng) : FULL_PACE,
    abort: isAborting || isSilent ? drawAbort(prng, isAborting) : null,
    goodbye: (['end-early', 'close', 'wait'] as const)[prng.below(3)],
  };
}

function drawAddress(prng: Prng, id: number): string {
  const port = 30_000 + id;
  const kind = prng.below(4);
  if (kind === 0) return `[2001:db8:${prng.below(65_536).toString(16)}::${(id + 1).toString(16)}]:${port}`;
  if (kind === 1) return `210.120.200.${100 + id}:${port}`;
  return `10.2.0.${1 + id}:${port}`;
}

function drawSlowPace(prng: Prng): Pace {
  return prng.oneIn(2)
    ? { sliceBytes: 100 + prng.below(2000), gapUs: 1 + prng.below(60_000) }
    : { sliceBytes: 300 + prng.below(1000), gapUs: 1 + prng.below(400_000) };
}

function drawAbort(prng: Prng, isAborting: boolean): AbortSpec {
  const isEarly = prng.oneIn(2);
  return {
    sentBytes: isEarly ? prng.below(700) : 100_000_000,
    receivedBytes: isEarly ? 100_000_000 : 1 + prng.below(prng.oneIn(2) ? 400 : 20_000),
    how: isAborting ? (prng.oneIn(2) ? 'reset' : 'close') : prng.oneIn(3) ? 'deafness' : 'silence',
  };
}

function drawRequest(
  prng: Prng,
  faults: ReadonlySet<Fault>,
  listener: ListenerPlan,
  id: number,
  isLast: boolean,
): RequestSpec {
  const version = prng.oneIn(8) ? 10 : 11;
  const isTunnel = isLast && version === 11 && prng.oneIn(6);
  const tunnel = isTunnel ? { ...drawStreams(prng, faults), isEager: prng.oneIn(4) } : null;
  const method = tunnel === null ? METHODS[prng.below(METHODS.length)] : 'GET';
  const body = drawBody(prng, faults, method, version, tunnel !== null);
  const aim = drawAim(prng, listener, id);
  const fields: [string, string][] = [['X-Sim', idText(id)]];
  if (prng.oneIn(2)) fields.push(['X-Key', `key ${prng.below(5)}`]);
  if (prng.oneIn(4)) fields.push(['X-Remove-Q', 'to be removed'], ['X-Set-Q', 'to be replaced']);
  for (let i = prng.oneIn(6) ? 1 + prng.below(3) : 0; i > 0; i--) fields.push(['X-Forwarded-For', `192.0.2.${i}`]);
  if (prng.oneIn(6)) fields.push(['Cookie', 'a=b; c=d']);
  const accepts = drawAcceptEncoding(prng);
  if (accepts !== null) fields.push(['Accept-Encoding', accepts]);
  if (prng.oneIn(8)) {
    const room = listener.limits.headBytes - 1500;
    fields.push(['X-Long', 'v'.repeat(prng.below(prng.oneIn(3) && !isCramped(faults) ? room : 900))]);
  }
  if (tunnel === null && prng.oneIn(6))
    fields.push(['Keep-Alive', 'timeout=5'], ['TE', 'trailers, deflate;q=0.5'], ['Proxy-Connection', 'keep-alive']);
  const closes = tunnel === null && (version === 10 ? !prng.oneIn(2) : prng.oneIn(8));
  const hasHost = version === 11 || aim.needsHost || prng.oneIn(2);
  let { expect, target } = aim;
  if (faults.has('overLimits') && prng.oneIn(3)) expect = breakLimit(prng, fields, listener, expect);
  if (faults.has('overLimits') && prng.oneIn(12)) {
    target += 'x'.repeat(listener.limits.headBytes);
    expect = { kind: 'refuse', statuses: [414, 431], isLate: false };
  }
  // so large a head may not be here in time
  if (expect.kind === 'refuse' && isCramped(faults)) expect = { ...expect, statuses: [...expect.statuses, 408] };
  if (expect.kind === 'proxy' && body.kind !== 'none' && body.bytes > listener.limits.bodyBytes) {
    expect = { kind: 'refuse', statuses: [413], isLate: true };
  }
  if (expect.kind === 'proxy' && body.kind === 'chunked' && body.trailerBytes > TRAILER_BYTES_MAX) {
    expect = { kind: 'refuse', statuses: [431], isLate: true };
  }
  return {
    id,
    method,
    target,
    host: hasHost ? aim.host : null,
    isAbsolute: hasHost && tunnel === null && prng.oneIn(10),
    emptyLines: prng.oneIn(12) ? 1 + prng.below(2) : 0,
    version,
    body,
    fields,
    expectsContinue: version === 11 && body.kind !== 'none' && body.bytes > 0 && prng.oneIn(4),
    tunnel,
    closes,
    thinkUs: prng.oneIn(3) ? prng.below(listener.timeouts.idleMs * 200) : 0,
    expect,
  };
}

function drawBody(
  prng: Prng,
  faults: ReadonlySet<Fault>,
  method: string,
  version: 10 | 11,
  isTunnel: boolean,
): BodySpec {
  const mayHave = !isTunnel && (['POST', 'PUT', 'PATCH', 'REPORT'].includes(method) || prng.oneIn(12));
  if (!mayHave) return { kind: 'none' };
  const bytes = drawSize(prng, faults);
  if (version === 10 || prng.oneIn(2)) return { kind: 'length', bytes };
  const isOver = faults.has('overLimits') && prng.oneIn(8);
  const trailerBytes = isOver ? TRAILER_BYTES_MAX + 100 + prng.below(5000) : drawTrailerBytes(prng, faults);
  return { kind: 'chunked', bytes, trailerBytes, hasExtensions: prng.oneIn(4) };
}

/** 0: no trailer section. */
export function drawTrailerBytes(prng: Prng, faults: ReadonlySet<Fault>): number {
  if (!prng.oneIn(3)) return 0;
  return prng.oneIn(3) && !isCramped(faults) ? prng.below(TRAILER_BYTES_MAX - 100) : 30;
}

/** Much would take too long. */
export function isCramped(faults: ReadonlySet<Fault>): boolean {
  return (['smallBuffers', 'slowClients', 'stalls', 'slow', 'tiny'] as const).some((fault) => faults.has(fault));
}

/** Mostly small; sometimes just around the sizes of slots; rarely big. Small where everything takes long. */
export function drawSize(prng: Prng, faults: ReadonlySet<Fault>): number {
  const size = drawAnySize(prng);
  if (faults.has('smallBuffers') && (faults.has('slow') || faults.has('stalls') || faults.has('lateTurns')))
    return size % 1000;
  if (faults.has('smallBuffers') || faults.has('slowClients') || faults.has('stalls')) return size % 12_000;
  return size;
}

function drawAnySize(prng: Prng): number {
  const kind = prng.below(16);
  if (kind === 0) return 0;
  if (kind <= 7) return 1 + prng.below(100);
  if (kind <= 12) return prng.below(6000);
  if (kind <= 14) return 2000 + 31_000 * prng.below(3) + prng.below(2000);
  return prng.below(200_000);
}

/** The two sides of a stream. At most one of them waits for the other's end. */
export function drawStreams(prng: Prng, faults: ReadonlySet<Fault>): { client: StreamSpec; server: StreamSpec } {
  const client = drawStream(prng, faults);
  const server = drawStream(prng, faults);
  return { client, server: { ...server, endsSecond: server.endsSecond && !client.endsSecond } };
}

function drawStream(prng: Prng, faults: ReadonlySet<Fault>): StreamSpec {
  const sendBytes = drawSize(prng, faults);
  const isAborting = (faults.has('abortingClients') || faults.has('serverResets')) && prng.oneIn(3);
  const isSilent = (faults.has('silentClients') || faults.has('serverStalls')) && prng.oneIn(3);
  return {
    sendBytes,
    resetAtBytes: isAborting ? prng.below(sendBytes + 1) : -1,
    endsSecond: prng.oneIn(3),
    silentAtBytes: isSilent ? 1 + prng.below(sendBytes + 1) : 0,
  };
}

interface Aim {
  readonly needsHost: boolean;
  readonly target: string;
  readonly host: string;
  readonly expect: Expectation;
}

function drawAim(prng: Prng, listener: ListenerPlan, id: number): Aim {
  const routes = parseRoutes(listener.routes);
  const index = prng.below(routes.length + 1);
  const query = prng.oneIn(2) ? `?id=${id}&x=%20${prng.below(10)}` : '';
  const route = routes[index];
  const last = routes[routes.length - 1];
  if (route === undefined || route.match.path === null) {
    // no route of its own: the last one takes it if it takes everything
    const target = `/anything/${id}${query}`;
    if (last === undefined || last.match.path !== null) {
      return { needsHost: false, target, host: 'any.test', expect: { kind: 'refuse', statuses: [404], isLate: false } };
    }
    return { needsHost: false, target, host: 'any.test', expect: expectationOf(last, target, 'any.test') };
  }
  const path = route.match.path;
  const pattern = route.match.hosts[0];
  const host =
    pattern === undefined ? `any${prng.below(3)}.test` : pattern.startsWith('*') ? `sub${pattern.slice(1)}` : pattern;
  const target =
    (path.kind === 'exact' ? path.value : path.kind === 'prefix' ? `${path.value}p${id}` : `/r${index}/abc/${id}`) +
    query;
  const needsHost = pattern !== undefined;
  return { needsHost, target, host: prng.oneIn(4) ? `${host}:80` : host, expect: expectationOf(route, target, host) };
}

function expectationOf(route: RoutePlan, target: string, _host: string): Expectation {
  const { action } = route;
  if (action.kind === 'respond') return { kind: 'respond', status: action.status, body: action.body };
  if (action.kind === 'redirect')
    return { kind: 'redirect', status: action.status, location: action.to.replace('{uri}', target) };
  if (action.kind === 'ready') return { kind: 'respond', status: 200, body: 'ready\n' };
  if (action.kind !== 'proxy') throw new Error(`scenarios have no action ${action.kind}`);
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  const query = at < 0 ? '' : target.slice(at);
  const { rewrite } = action;
  let rewritten = path;
  if (rewrite?.kind === 'path') rewritten = rewrite.value;
  if (rewrite?.kind === 'prefix') rewritten = rewrite.value + path.slice(route.match.path?.value.length ?? 0);
  return { kind: 'proxy', route, upstream: action.upstream, target: rewritten + query };
}

/** Makes the head break one limit. */
function breakLimit(prng: Prng, fields: [string, string][], listener: ListenerPlan, expect: Expectation): Expectation {
  if (prng.oneIn(2)) {
    const before = fields.length;
    for (let i = before; i <= listener.limits.headers + 3; i++) fields.push([`X-Many-${i}`, 'x']);
    return { kind: 'refuse', statuses: [431], isLate: false };
  }
  if (prng.oneIn(3)) {
    fields.push(['X-Huge', 'h'.repeat(listener.limits.headBytes + 1)]);
    return { kind: 'refuse', statuses: [431], isLate: false };
  }
  return expect;
}
