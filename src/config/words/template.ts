/**
 * Text with values of the request in it: `https://{host}{uri}`, `for={client}`. The one vocabulary for every place of the
 * configuration that has values; what they are at run time is core/value's.
 *
 * A placeholder is a word in braces. Other braces are text, so JSON in a header value needs no escape.
 */
import type { Problem } from '../findings/diagnostic.ts';
import { problem, show } from '../findings/diagnostic.ts';
import { parseProxyTlv } from './proxy-tlv.ts';
import { nearest } from '../findings/suggest.ts';
import { parseDuration } from './units.ts';

const OFFSET_MS_MAX = 36_525 * 86_400_000;

/** Each with what it stands for, for the reference page. */
export const SOURCES = {
  client: "the client's address, see `forwarded`",
  'forwarded-for': "X-Forwarded-For of the request with the client's address behind it",
  peer: 'the address that the connection came from, or that a PROXY protocol header has named which is believed',
  sender: 'the address that the connection itself came from, whatever a PROXY protocol header says',
  'sender-port': 'the port of that',
  host: 'the host that the request is for, in lower case and without port',
  authority: 'the same with its port, as sent',
  method: 'the method',
  path: 'the path as sent',
  query: 'the query with its `?`, if there is one',
  uri: 'path and query as sent',
  'decoded-path': 'the path in normal form with all escapes decoded, as it is after `rewrite` steps',
  args: 'the query without its `?`',
  'question-mark': '`?` if there is a query',
  'peer-port': 'the port that the connection came from',
  local: 'the address that the connection came to',
  'local-port': 'the port that the connection came to',
  protocol: '`HTTP/1.1` or `HTTP/1.0`',
  'request-line': 'method, target and protocol as sent',
  connection: 'the number of the connection among those of this proxy',
  'connection-requests': 'how many requests have come over it, this one included',
  'connection-time': 'seconds since it was accepted, with three decimals',
  'client-bytes': "the 4 or 16 bytes of the client's address, as a key",
  hostname: 'the name of this machine',
  time: 'seconds since 1970, with three decimals',
  'iso-time': 'the time, in UTC: `2026-11-29T15:31:23+00:00`',
  'proxy-client': 'who the client is by its PROXY protocol header, believed or not',
  'proxy-client-port': 'its port',
  'proxy-local': 'the address that it has connected to, by the header',
  'proxy-local-port': 'the port of that',
  'proxy-authority': 'the host that the client has asked for (SNI), by the header',
  'proxy-unique-id': 'the identifier of the connection, by the header',
  tls: '`on` where the client speaks TLS',
  'tls-version': 'of a connection with TLS: `TLSv1.2` or `TLSv1.3`',
  'tls-cipher': 'of a connection with TLS: its cipher suite, as OpenSSL names it',
  'tls-server-name':
    'of a connection with TLS, also one that is passed on: the host that the client has asked for in its handshake (SNI)',
  'tls-group': 'of a connection with TLS: the group of its key exchange, as OpenSSL names it: `X25519`, `prime256v1`',
  'tls-offered-ciphers':
    'of a connection with TLS: the cipher suites that the client offers, as OpenSSL names them, or hexadecimal, with colons between them',
  'tls-offered-groups': 'likewise: the groups of the key exchange that it offers',
  'tls-protocol': 'of a connection with TLS: what was agreed on by ALPN',
  'tls-session': 'of a connection with TLS: the identifier of its session, hexadecimal',
  'tls-resumed': 'of a connection with TLS: `r` if its session goes on from another connection, else `.`',
  'tls-client-verified':
    'of a connection with TLS: `SUCCESS`, `NONE` where the client has shown no certificate, or `FAILED:` with the reason',
  'tls-client-subject': "of the client's certificate: whom it is for (RFC 2253): `CN=door,O=Example`",
  'tls-client-issuer': 'likewise: who has issued it',
  'tls-client-old-subject': 'whom it is for as OpenSSL once wrote it, for who still goes by that: `/O=Example/CN=door`',
  'tls-client-old-issuer': 'likewise: who has issued it',
  'tls-client-serial': 'its serial number, hexadecimal',
  'tls-client-fingerprint': 'SHA-256 of it, hexadecimal, in lower case',
  'tls-client-old-fingerprint': 'SHA-1 of it, for who still goes by that',
  'tls-client-not-before': 'from when on it is valid: `Nov 29 19:27:31 2026 GMT`',
  'tls-client-not-after': 'until when',
  'tls-client-days-left': 'how many whole days that is from now; 0: it has ended',
  'tls-client-certificate': 'the certificate itself, PEM, with URL escapes',
  'tls-client-pem': 'likewise, in one line: with spaces in place of ends of lines',
  scheme: '`http` or `https`, or what a trusted proxy said in X-Forwarded-Proto',
  'request-id': 'the identifier of the request',
  'trace-id': 'where `tracing` is on: the identifier of the trace, 32 hexadecimal digits',
  'span-id': "likewise: of evenkeel's own part of it, 16 digits",
  'parent-span-id': 'likewise: of the part that has called it; empty where the trace begins here',
  'trace-sampled': 'likewise: `1` if the trace is recorded',
  traceparent: 'likewise: all of that for the server, as the field `traceparent`',
  tracestate: 'likewise: the field `tracestate` as it came; empty where the trace begins here',
  'server-by':
    'where the request goes, in an upstream with `server-by`: name or address as said, with its port unless that is the standard one',
  'server-by-port': 'the port of that',
  'page-status': 'the status that the page for an error is answered with in any case; empty for anything else',
} as const;

/** Those that a connection has, whatever is said over it. */
export const CONNECTION_SOURCES: ReadonlySet<string> = new Set<keyof typeof SOURCES | keyof typeof NAMED_SOURCES>([
  'client',
  'client-bytes',
  'peer',
  'peer-port',
  'sender',
  'sender-port',
  'local',
  'local-port',
  'connection',
  'connection-time',
  'hostname',
  'time',
  'iso-time',
  'proxy-client',
  'proxy-client-port',
  'proxy-local',
  'proxy-local-port',
  'proxy-authority',
  'proxy-unique-id',
  'tls',
  'tls-version',
  'tls-cipher',
  'tls-server-name',
  'tls-group',
  'tls-offered-ciphers',
  'tls-offered-groups',
  'tls-protocol',
  'tls-session',
  'tls-resumed',
  'tls-client-verified',
  'tls-client-subject',
  'tls-client-issuer',
  'tls-client-serial',
  'tls-client-fingerprint',
  'tls-client-old-fingerprint',
  'tls-client-not-before',
  'tls-client-not-after',
  'tls-client-days-left',
  'tls-client-old-subject',
  'tls-client-old-issuer',
  'tls-client-certificate',
  'tls-client-pem',
  'value',
  'capture',
  'date',
  'proxy-tlv',
]);

/** With a name behind a colon: `{header:User-Agent}`. Empty where the request has none; of several the first. */
export const NAMED_SOURCES = {
  header: 'a field of the request',
  cookie: 'a cookie',
  query: 'a parameter of the query, as sent',
  value: 'what `values` or a `set` step says',
  capture: 'a group, 1 to 9, of the regular expression that matched last in `steps`',
  'proxy-tlv':
    'what a PROXY protocol header of version 2 [says besides](../proxy-protocol.md#more-than-addresses): `alpn`, `netns`, `ssl-cn`, `0xea`',
  date: 'the date that is this long from now, as Expires has it: `{date:720h}`, `{date:-1h}`',
} as const;

/** Of a response, where it is changed on its way to the client. */
export const RESPONSE_SOURCES = {
  status: 'the status of the response',
  server: 'the address of the server; of several tries all of them, with a comma and a space between them',
  'server-status': 'the status that each of them ended with: 502 without a response, 504 without one in time',
  'server-connect-time': 'seconds until its connection stood, with three decimals; `-` if it never did',
  'server-time': "seconds until its response's head was here, or the try had failed, with three decimals",
  'server-header-time': "seconds until its response's head was here, or the first byte of a session; `-` without one",
  'request-body': "the request's body, if all of it has come by then, and if it is no longer than 2 KiB; else nothing",
  'server-response-time': 'seconds until its response was over, or the try had failed; `-` while it goes on',
} as const;

/** Of the head of a response, as it went to the client: `Location`. In access logs. */
export const NAMED_END_SOURCES = {
  sent: 'a field of the response, as the client was sent it; of several the first',
} as const;

export const NAMED_RESPONSE_SOURCES = {
  response: 'a field of the response, as the server sent it; of several the first',
} as const;

/** Of a request that has ended, in access logs. */
export const END_SOURCES = {
  ...RESPONSE_SOURCES,
  status: 'the status that the client was answered with; 0: none',
  'bytes-received': 'bytes of the request: head and body, as far as they were taken from the client; of a session all',
  'bytes-sent': 'bytes of the response: heads and body; of a session all that was sent to the client',
  'body-bytes-sent': 'the same without heads',
  'request-time':
    'seconds from the first byte of the request, or the beginning of a session, to its end, with three decimals',
  'head-time': 'of these, until its head was here',
  'server-bytes-sent': 'bytes of a session of TCP or UDP that went to the server',
  'server-bytes-received': 'bytes that came from it',
  'queue-time': 'of these, in the queue for a server',
  tries: 'how many servers were tried',
  reason: '[why it ended](../access-log.md#why-it-ended): `served`, `client-left`, `server-timeout` ...',
  'ended-by': 'who has ended it: `client`, `server`, `evenkeel`, or `nobody`: it is complete',
  phase: 'what it was in then: `request`, `queue`, `connect`, `wait`, `response`, `done`',
  completion: '`OK` if it is complete, else empty',
  limiter: 'the [limiter](../rate-limits.md) that has refused it',
  listener: 'the name of the listener',
  transport: '`TCP` or `UDP`',
  route: 'the route, as [metrics](../metrics.md) call it: `a.example/api`',
  upstream: 'the name of the upstream',
  'request-id': 'the identifier of the request, as servers and clients see it in X-Request-Id',
  time: 'seconds since 1970, with three decimals: when it ended',
  'iso-time': 'the same: `2026-11-29T15:31:23+00:00`, in UTC',
  'local-time': 'the same: `29/Nov/2026:15:31:23 +0000`, in UTC',
} as const;

export type EndValuePlan = {
  readonly isOfEnd: true;
  readonly kind:
    | keyof typeof END_SOURCES
    | keyof typeof NAMED_RESPONSE_SOURCES
    | keyof typeof NAMED_END_SOURCES
    | 'value';
  readonly name: string;
};

export type LatePlan =
  | { readonly kind: keyof typeof RESPONSE_SOURCES; readonly name: '' }
  | {
      readonly kind:
        | keyof typeof NAMED_RESPONSE_SOURCES
        | keyof typeof NAMED_END_SOURCES
        | 'capture'
        | 'value'
        | 'date';
      readonly name: string;
    };

export type SourcePlan =
  | { readonly kind: keyof typeof SOURCES; readonly name: null }
  | { readonly kind: keyof typeof NAMED_SOURCES; readonly name: string };

const PLACEHOLDER = /\{([a-z][a-z-]*)(?::([^{}]*))?\}/g;

/** Literal text and sources in turn. What is no known placeholder is text. */
export function parseTemplate(text: string): readonly (string | SourcePlan)[] {
  const parts: (string | SourcePlan)[] = [];
  let from = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const source = sourceOf(match[1], match[2] ?? null);
    if (source === null) continue;
    if (match.index > from) parts.push(text.slice(from, match.index));
    parts.push(source);
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

/** In front of the name of a value that is made of what a response says, once the file is known to have it: no name begins so. */
const LATE_MARK = '~';

/** The text with this mark in front of these names, and with `hasDates` of dates too. */
export function markLateNames(text: string, isLate: (name: string) => boolean, hasDates: boolean): string {
  return text.replace(PLACEHOLDER, (whole, word: string, name: string | undefined) => {
    const isMarked = (word === 'value' && isLate(name ?? '')) || (word === 'date' && hasDates);
    return isMarked ? `{${word}:${LATE_MARK}${name}}` : whole;
  });
}

/** The same with the values of a response; those of a request are text. `hasGroups`: of an expression too. */
export function parseLate(text: string, hasGroups: boolean): readonly (string | LatePlan)[] {
  const parts: (string | LatePlan)[] = [];
  let from = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const plan = lateOf(match[1], match[2] ?? null);
    if (plan === null || (plan.kind === 'capture' && !hasGroups)) continue;
    parts.push(text.slice(from, match.index), plan);
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}

function lateOf(word: string, name: string | null): LatePlan | null {
  if (name === null) return has(RESPONSE_SOURCES, word) ? { kind: word, name: '' } : null;
  if (word === 'capture') return /^[0-9]$/.test(name) ? { kind: word, name } : null;
  if (word === 'value' || word === 'date')
    return name.startsWith(LATE_MARK) ? { kind: word, name: name.slice(LATE_MARK.length) } : null;
  return isFieldOfResponse(word, name) ? { kind: word, name } : null;
}

function isOfHead(word: string): word is 'response' | 'sent' {
  return word === 'response' || word === 'sent';
}

function isFieldOfResponse(word: string, name: string): word is 'response' | 'sent' {
  return isOfHead(word) && /^[!-~]+$/.test(name);
}

/** The text of a log's lines: literal text, sources of the request, and values of its end. */
export function parseLog(text: string): readonly (string | SourcePlan | EndValuePlan)[] {
  const parts: (string | SourcePlan | EndValuePlan)[] = [];
  let from = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const part = endValueOf(match[1], match[2] ?? null) ?? sourceOf(match[1], match[2] ?? null);
    if (part === null) continue;
    if (match.index > from) parts.push(text.slice(from, match.index));
    parts.push(part);
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

function endValueOf(word: string, name: string | null): EndValuePlan | null {
  if (name === null) return has(END_SOURCES, word) ? { isOfEnd: true, kind: word, name: '' } : null;
  if (isFieldOfResponse(word, name)) return { isOfEnd: true, kind: word, name: name.toLowerCase() };
  if (word !== 'value' || !name.startsWith(LATE_MARK)) return null;
  return { isOfEnd: true, kind: 'value', name: name.slice(LATE_MARK.length) };
}

/** Where a value stands: among values of a request alone, in a text that may well have braces of its own, or in a response. */
export type TemplatePlace = 'request' | 'body' | 'response' | 'log';

/**
 * A placeholder that is none of the vocabulary, or a variable as nginx writes it. In a body may well be words in
 * braces that are none, as styles and scripts have them, so only what is nearly one is a mistake.
 */
export function checkTemplate(text: string, place: TemplatePlace = 'request'): Problem | null {
  const hasBraces = place === 'body' || place === 'log';
  for (const [whole, word, name] of text.matchAll(PLACEHOLDER)) {
    if (sourceOf(word, name ?? null) !== null) continue;
    if (place === 'log' && endValueOf(word, name ?? null) !== null) continue;
    const late = lateOf(word, name ?? null);
    const isLate = late !== null && (late.kind !== 'sent' || place === 'log');
    if (isLate && (place === 'response' || place === 'body')) continue;
    const bad = (fix: string): Problem => problem('bad-placeholder', { value: show(whole), fix });
    const isNamed = has(NAMED_SOURCES, word) || (place === 'log' && isOfHead(word));
    if (name === undefined && isNamed) return bad(`write for example {${word}:${EXAMPLES[word]}}`);
    if (name !== undefined && has(SOURCES, word) && !hasBraces) return bad(`write {${word}}`);
    if (name !== undefined && has(NAMED_SOURCES, word))
      return bad(`write a name behind the colon, for example ${EXAMPLES[word]}`);
    if (isLate && !hasBraces) return bad('it is only known in `headers.response` and `headers.success`: leave it out');
    const known = place === 'log' ? { ...SOURCES, ...END_SOURCES } : SOURCES;
    const near = nearest(word, Object.keys(name === undefined ? known : NAMED_SOURCES));
    if (near === null && hasBraces) continue;
    return bad(
      near === null
        ? `use ${Object.keys(SOURCES)
            .map((source) => `{${source}}`)
            .join(', ')}`
        : `write {${name === undefined ? near : `${near}:${name}`}}`,
    );
  }
  const variable = /\$\{?([a-z_]+)/.exec(text);
  const meant = variable === null ? undefined : NGINX_VARIABLES.get(variable[1]);
  if (variable === null || meant === undefined) return null;
  return problem('bad-placeholder', { value: show(`$${variable[1]}`), fix: `write {${meant}}` });
}

/** One of its own: every object has a `constructor`. */
function has<T extends object>(table: T, word: string): word is Extract<keyof T, string> {
  return Object.hasOwn(table, word);
}

function sourceOf(word: string, name: string | null): SourcePlan | null {
  if (name === null) return has(SOURCES, word) ? { kind: word, name } : null;
  if (!has(NAMED_SOURCES, word) || !/^[!-~]+$/.test(name)) return null;
  if (word === 'capture' && !/^[0-9]$/.test(name)) return null;
  if (word === 'date' && parseOffset(name) === null) return null;
  if (word === 'proxy-tlv' && parseProxyTlv(name) === null) return null;
  return { kind: word, name };
}

/** `720h`, `-1h`: milliseconds; null: it is none, or more than a hundred years. */
export function parseOffset(text: string): number | null {
  const isBefore = text.startsWith('-');
  const ms = parseDuration(isBefore ? text.slice(1) : text);
  if (ms === null || ms > OFFSET_MS_MAX) return null;
  return isBefore ? -ms : ms;
}

const EXAMPLES: Readonly<Record<string, string>> = {
  header: 'User-Agent',
  cookie: 'session',
  query: 'user',
  value: 'backend',
  capture: '1',
  date: '720h',
  response: 'Content-Type',
  sent: 'Location',
  'proxy-tlv': 'alpn',
};

/** What people bring along, each with what it is here. */
const NGINX_VARIABLES: ReadonlyMap<string, string> = new Map([
  ['remote_addr', 'client'],
  ['realip_remote_addr', 'peer'],
  ['proxy_add_x_forwarded_for', 'forwarded-for'],
  ['host', 'host'],
  ['http_host', 'authority'],
  ['request_method', 'method'],
  ['uri', 'decoded-path'],
  ['request_uri', 'uri'],
  ['args', 'args'],
  ['query_string', 'args'],
  ['scheme', 'scheme'],
  ['request_id', 'request-id'],
]);
