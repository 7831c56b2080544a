/** What would become of a request, a connection or a datagram, in words: what a rehearsal (rehearse.ts) has shown. */
import type { ExplainedField, Explanation, ExplainedServer, ExplainedTarget } from '../api/explanation.ts';
import { addressText } from '../base/address.ts';
import { SERVER_UP } from '../base/board.ts';
import { FILES_UPSTREAM, type FilesPlan, SITE_FIELD } from '../config/plan/files.ts';
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { RoutePlan } from '../config/plan/route.ts';
import type { ServerPlan, UpstreamPlan } from '../config/plan/upstream.ts';
import { redactNamed } from '../config/redact.ts';
import { compareFields, type Field, readHead } from './heads.ts';
import { type Question, rehearse, type Rehearsed, type Standing, type World } from './rehearse.ts';
import { arrivalOf, type AskedFor, clientOf, readSubject, type Subject, UnexplainableError } from './subject.ts';
import { entryFor } from './told.ts';

/** What is known of a server's place besides. */
export interface KnownStanding extends Standing {
  /** Why it takes no requests; empty: it does, as far as this goes. */
  readonly why: string;
}

export interface KnownWorld extends World {
  readonly standings: readonly KnownStanding[];
  /** Taken for granted of all of it. */
  readonly assumed: readonly string[];
}

const CANDIDATES_MAX = 100;
const BODY_SHOWN = 500;
/** Of a body that is said to come, so much does. */
const BODY_MAX = 65_536;

/** Without what is secret, as all that the admin API says. Throws UnexplainableError. */
export function explain(world: KnownWorld, asked: AskedFor): Explanation {
  const subject = readSubject(asked.url);
  const arrival = arrivalOf(subject, asked.listener, world.plan.listeners);
  const { index, listener, local } = arrival;
  const isTls = subject.scheme === 'https' || subject.scheme === 'tls';
  const client = clientOf(asked.from, local);
  const serverName = isName(subject.host) ? subject.host.toLowerCase() : '';
  const fields = listener.protocol === 'http' ? fieldsOf(subject, asked) : [];
  const line = `${asked.method} ${subject.target} HTTP/1.1`;
  const question: Question = {
    listener: index,
    client,
    local,
    tls: isTls ? { serverName } : null,
    text: listener.protocol === 'http' ? `${line}\r\n${fields.map(lineOf).join('')}\r\n${bodyOf(fields)}` : '',
  };
  const shell = {
    subject:
      listener.protocol === 'http'
        ? `${asked.method} ${subject.scheme}://${subject.authority}${subject.target}`
        : asked.url,
    listener: { name: listener.name, address: addressText(local), protocol: listener.protocol },
    assumed: [...world.assumed, ...assumptions(arrival.assumed, asked, listener, isTls)],
  };
  const refusal = refusalBefore(listener, isTls, serverName);
  if (refusal !== null) return { ...shell, ...NOTHING_BECAME, outcome: 'refused', summary: refusal };
  const seen = rehearse(world, question);
  const told = {
    ...shell,
    assumed: [
      ...shell.assumed,
      ...seen.namesAssumed.map((name) => `the name ${name} has an address`),
      ...assumptionsOfRoute(listener, seen.record?.route ?? null),
    ],
  };
  return listener.protocol === 'http'
    ? { ...told, ...httpEnd(world, seen, { line, fields }) }
    : { ...told, ...streamEnd(world, listener, seen) };
}

/** In place of an identifier, which is another one each time. */
const NEW_ID = '(a new one)';

/** Those that are shown. */
function shownFields(fields: readonly ExplainedField[]): readonly ExplainedField[] {
  return fields.map(({ name, value, change }) => {
    const isNew = change !== 'kept' && change !== 'removed' && name.toLowerCase() === 'x-request-id';
    return { name, value: isNew ? NEW_ID : redactNamed(name, value), change };
  });
}

const NOTHING_BECAME = { steps: [], stepsLeftOut: 0, target: null, request: null, answer: null } as const;

type End = Omit<Explanation, 'subject' | 'listener' | 'assumed'>;

function httpEnd(
  world: KnownWorld,
  seen: Rehearsed,
  came: { readonly line: string; readonly fields: readonly Field[] },
): End {
  const { record, sent, steps, stepsLeftOut } = seen;
  const target = targetOf(world, record?.upstream ?? null, seen);
  const walked = { steps, stepsLeftOut };
  if (record === null)
    return {
      ...walked,
      outcome: 'waits',
      summary: 'it waits, and nobody gives up',
      target,
      request: null,
      answer: null,
    };
  const request =
    sent === null || target?.upstream === FILES_UPSTREAM
      ? null
      : {
          line: sent.line,
          isRewritten: sent.line !== came.line,
          fields: shownFields(compareFields(came.fields, sent.fields)),
        };
  const said = readHead(seen.said);
  const saidFields = (said?.fields ?? []).filter(([name]) => !OF_FRAMING.has(name.toLowerCase()));
  const { answer: kind, status } = record;
  const isOfServer = kind === null && sent !== null;
  const answer: Explanation['answer'] = {
    status,
    by: kind !== null ? 'evenkeel' : isOfServer ? 'server' : 'route',
    reason: kind?.name ?? null,
    why: kind?.text ?? null,
    fields: shownFields(compareFields(isOfServer ? (seen.stoodIn?.fields ?? []) : [], saidFields)),
    body: isOfServer || said === null || said.body === '' ? null : bodyText(said.body),
  };
  const common = { ...walked, target, request, answer };
  if (kind !== null) {
    const waited = record.queuedMs > 0 ? `after waiting for ${record.queuedMs / 1_000} s: ` : '';
    return {
      ...common,
      outcome: record.queuedMs > 0 ? 'waits' : 'refused',
      summary: `${waited}${status}: ${kind.text}`,
    };
  }
  if (isOfServer) return { ...common, outcome: 'server', summary: `goes to ${placeText(target)}` };
  const location = said?.fields.find(([name]) => name.toLowerCase() === 'location')?.[1];
  const summary =
    status === 0
      ? record.ending.text
      : location === undefined
        ? `the route answers ${status}`
        : `the route redirects to ${location} (${status})`;
  return { ...common, outcome: 'route', summary };
}

function bodyText(body: string): string {
  return body.slice(0, BODY_SHOWN).replace(/(request id: )\S+/, `$1${NEW_ID}`);
}

/** That say nothing of what becomes of a request. */
const OF_FRAMING: ReadonlySet<string> = new Set(['content-length', 'date', 'connection']);

function streamEnd(world: KnownWorld, listener: ListenerPlan, seen: Rehearsed): End {
  const { plan } = world;
  const [slot] = seen.slots.slice(-1);
  const picked =
    slot === undefined ? null : (plan.upstreams.find((one) => one.servers.some((server) => has(server, slot))) ?? null);
  const written = listener.upstream < 0 ? null : plan.upstreams[listener.upstream];
  const isChosenByValues = listener.passthrough !== null || (listener.tcp !== null && listener.tcp.choice !== null);
  const stood = targetOf(world, picked ?? (isChosenByValues ? null : written), seen);
  const target = stood === null || listener.inKernel === undefined ? stood : chosenByKernel(stood);
  const common = { steps: [], stepsLeftOut: 0, target, request: null };
  const what = listener.protocol === 'udp' ? 'datagram' : 'connection';
  if (slot !== undefined)
    return { ...common, outcome: 'server', summary: `goes to ${placeText(target)}`, answer: null };
  const [kind] = seen.kinds;
  if (kind !== undefined) {
    const end = listener.protocol === 'udp' ? 'dropped' : 'reset';
    const answer = { status: 0, by: 'evenkeel', reason: kind.name, why: kind.text, fields: [], body: null } as const;
    return { ...common, outcome: 'refused', summary: `the ${what} is ${end}: ${kind.text}`, answer };
  }
  if (seen.said !== '') {
    const body = seen.said.slice(0, BODY_SHOWN);
    const answer = { status: 0, by: 'route', reason: null, why: null, fields: [], body } as const;
    return { ...common, outcome: 'route', summary: 'the listener answers it itself', answer };
  }
  return { ...common, outcome: 'waits', summary: 'waits for a server that has room', answer: null };
}

/** By the handshake or the listener, before there is anything to rehearse. Null: it comes in. */
function refusalBefore({ intake, name, tls }: ListenerPlan, isTls: boolean, serverName: string): string | null {
  if (intake === 'closed') return `listener ${name} is drained: nobody listens there`;
  const isUnknown = tls !== null && isTls && tls.entries.length > 0 && entryFor(tls, serverName) < 0;
  if (isUnknown && tls.unknownName === 'refuse')
    return `the TLS handshake is refused: no certificate of listener ${name} is for ${serverName === '' ? 'a client that names no host' : serverName}`;
  return null;
}

function assumptions(
  assumed: string | null,
  { from }: AskedFor,
  listener: ListenerPlan,
  isTls: boolean,
): readonly string[] {
  const { inKernel, passthrough, protocol, proxyProtocol, tls } = listener;
  return [
    ...(assumed === null ? [] : [assumed]),
    ...(from === null ? ['the client is on this machine (--from says another one)'] : []),
    ...(tls !== null && isTls && tls.entries.some(({ clients }) => clients !== null)
      ? ['the client shows no certificate']
      : []),
    ...(passthrough !== null && isTls ? ['its ClientHello names the host, and no protocols'] : []),
    ...(proxyProtocol === null ? [] : ['its PROXY protocol header says that it is from there, and is believed']),
    ...(protocol === 'http' ? ['it is the first request of its connection, in HTTP/1.1'] : []),
    ...(inKernel !== undefined ? ['which server it is, the kernel says, by a table of its own'] : []),
  ];
}

/** Of what a rehearsal neither counts nor has. */
function assumptionsOfRoute(listener: ListenerPlan, route: RoutePlan | null): readonly string[] {
  if (route === null || route.action.kind !== 'proxy') return [];
  const { guard, limits } = route.action;
  const zones = limits === undefined ? [] : [...limits.requests, ...limits.connections].map(({ zone }) => zone);
  const compress = route.compress === undefined ? (listener.compress ?? null) : route.compress;
  return [
    ...(zones.length === 0 ? [] : [`it is let in by what limits it: ${[...new Set(zones)].join(', ')}`]),
    ...(guard === undefined ? [] : ['whom the route asks lets it in, and says nothing of it']),
    ...(compress === null ? [] : [`its response is none that is compressed (${compress.codings.join(', ')})`]),
  ];
}

// --- where it goes ---

function targetOf(
  { plan, standings }: KnownWorld,
  upstream: UpstreamPlan | null,
  seen: Rehearsed,
): ExplainedTarget | null {
  if (upstream === null) return null;
  const known = plan.upstreams.find(({ name }) => name === upstream.name) ?? upstream;
  const bySlot = new Map(standings.map((one) => [one.slot, one]));
  const [slot] = seen.slots.slice(-1);
  const chosen = slot === undefined ? undefined : known.servers.find((server) => has(server, slot));
  const candidates = candidatesOf(known, bySlot);
  const isOfFiles = upstream.name === FILES_UPSTREAM;
  const isBound = seen.record?.isBound === true;
  return {
    upstream: upstream.name,
    balance: isBound ? 'sticky' : upstream.serverBy === null ? upstream.balance : 'as each request says',
    server: isOfFiles ? filesText(plan.files, seen) : (seen.record?.server ?? chosen?.name ?? null),
    address: seen.address === null || isOfFiles ? null : addressText(seen.address),
    isFixed:
      isBound ||
      upstream.serverBy !== null ||
      KEYED.has(upstream.balance) ||
      candidates.filter(({ takes }) => takes).length === 1,
    candidates: isOfFiles || upstream.serverBy !== null ? [] : candidates.slice(0, CANDIDATES_MAX),
  };
}

/** By its own table: the proxy's choice is only one of those that it may be. */
function chosenByKernel(target: ExplainedTarget): ExplainedTarget {
  const key = target.balance === 'source-hash' ? 'address' : 'address and port';
  return {
    ...target,
    balance: `by the client's ${key}, in the kernel`,
    isFixed: target.candidates.filter(({ takes }) => takes).length === 1,
  };
}

/** The process that reads files is told which. */
function filesText(files: FilesPlan | null, { sent }: Rehearsed): string {
  const key = sent?.fields.find(([name]) => name.toLowerCase() === SITE_FIELD.toLowerCase())?.[1];
  const site = files?.sites.find((one) => one.key === key);
  return site === undefined ? 'files of this machine' : `files below ${site.root === '' ? '/' : site.root}`;
}

const KEYED: ReadonlySet<string> = new Set<UpstreamPlan['balance']>([
  'source-hash',
  'hash',
  'nginx-ip-hash',
  'nginx-hash',
  'ketama',
]);

function candidatesOf(
  { servers }: UpstreamPlan,
  bySlot: ReadonlyMap<number, KnownStanding>,
): readonly ExplainedServer[] {
  return servers.flatMap((server) => {
    const known = Array.from({ length: server.slotCount }, (_, i) => bySlot.get(server.firstSlot + i)).filter(
      (one) => one !== undefined,
    );
    if (known.length === 0) return [{ name: server.name, address: null, takes: false, why: 'it has no address' }];
    return known.map((one) => {
      const why = whyNot(server, one);
      return {
        name: server.name,
        address: one.address === null ? null : addressText(one.address),
        takes: why === '',
        why,
      };
    });
  });
}

function whyNot({ backup, maxConnections }: ServerPlan, { connections, state, weight, why }: KnownStanding): string {
  if (state !== SERVER_UP || weight === 0) return why === '' ? 'it takes no requests' : why;
  if (maxConnections > 0 && connections >= maxConnections)
    return `its limit of ${maxConnections} connections is reached`;
  return backup ? 'a backup: it gets work when no other server takes any' : '';
}

function has({ firstSlot, slotCount }: ServerPlan, slot: number): boolean {
  return slot >= firstSlot && slot < firstSlot + slotCount;
}

function placeText(target: ExplainedTarget | null): string {
  if (target === null) return 'a server';
  const { address, candidates, isFixed, server, upstream } = target;
  if (upstream === FILES_UPSTREAM) return `the ${server ?? 'files'}`;
  const where = address === null || address === server ? '' : ` (${address})`;
  const others = candidates.filter(({ takes }) => takes).length;
  return `server ${upstream}/${server ?? '?'}${where}${isFixed ? '' : `, or another of ${others} that take requests`}`;
}

// --- what the client sends ---

function fieldsOf({ authority }: Subject, { fields, method }: AskedFor): readonly Field[] {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method))
    throw new UnexplainableError(`${method} is no method; write GET or POST`);
  const hasHost = fields.some(([name]) => name.toLowerCase() === 'host');
  return hasHost ? fields : [['Host', authority], ...fields];
}

function lineOf([name, value]: Field): string {
  return `${name}: ${value}\r\n`;
}

function bodyOf(fields: readonly Field[]): string {
  const length = Number(fields.find(([name]) => name.toLowerCase() === 'content-length')?.[1] ?? 0);
  return 'x'.repeat(Math.min(BODY_MAX, Number.isInteger(length) && length > 0 ? length : 0));
}

function isName(host: string): boolean {
  return host !== '' && !/^[0-9.]+$|:/.test(host);
}
