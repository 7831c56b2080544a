/**
 * The same language as the parsers of this folder accept, written a second time in the plainest way: strings, regular
 * expressions, one rule after the other. Slow, and only for complete messages; tests and fuzzers hold the parsers to it.
 */
import { parseIPv6 } from '../../../base/address.ts';
import { CHUNK_LINE_BYTES_MAX, TRAILER_BYTES_MAX } from '../../../base/limits.ts';
import type { HeadLimits } from '../head.ts';

export interface ReferenceHead {
  /** The bytes taken. */
  readonly taken: number;
  /** Method, target and version, or version, status and reason. */
  readonly startLine: readonly string[];
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** A Content-Length, or how the body ends. */
  readonly body: number | 'none' | 'chunked' | 'until-close';
  /** Requests: the host without port. */
  readonly host: string;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const VALUE = '[\\t\\x20-\\x7e\\x80-\\xff]*';
const FIELDS = `((?:${TOKEN}:${VALUE}\\r\\n)*)\\r\\n`;
const REQUEST = new RegExp(`^(?:\\r\\n){0,4}(${TOKEN}) ([\\x21-\\x22\\x24-\\x7e]+) HTTP/1\\.([0-9])\\r\\n${FIELDS}`);
const RESPONSE = new RegExp(`^HTTP/1\\.([0-9]) ([1-5][0-9][0-9])( ${VALUE})?\\r\\n${FIELDS}`);
const TRAILERS = new RegExp(`^${FIELDS}`);
const REG_NAME = /^(?:[-._~!$&'()*+,;=0-9A-Za-z]|%[0-9A-Fa-f]{2})+$/;
const LOOKALIKE = /^(?:content-length|transfer-encoding|x-forwarded-(?:for|proto|host))$/;
const QUOTED = '"(?:[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"';
const CHUNK_LINE = new RegExp(`^([0-9A-Fa-f]{1,16})(?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*\\r\\n`);
const NOT_IN_TRAILERS = new Set(
  (
    'connection keep-alive proxy-connection te transfer-encoding content-length upgrade host expect x-forwarded-for ' +
    'x-forwarded-proto x-forwarded-host cookie http2-settings authorization content-encoding content-range content-type ' +
    'max-forwards proxy-authorization set-cookie trailer'
  ).split(' '),
);

/** What says who asks, or by which way: whoever merges trailers into the head must not believe it. */
const CLAIMS = new Set(
  (
    'forwarded forwarded-for x-forwarded x-original-forwarded-for x-real-ip x-client-ip client-ip true-client-ip ' +
    'x-cluster-client-ip cf-connecting-ip cf-connecting-ipv6 fastly-client-ip proxy-client-ip wl-proxy-client-ip ' +
    'x-azure-clientip x-envoy-external-address x-originating-ip x-remote-addr x-remote-ip x-forward-for x-forwarder-for ' +
    'x-proxyuser-ip x-appengine-user-ip x-nf-client-connection-ip cf-pseudo-ipv4 fly-client-ip do-connecting-ip cdn-src-ip ' +
    'remote-addr front-end-https x-forward-host x-forward-port x-forward-proto x-forward-scheme x-original-host ' +
    'x-original-url x-rewrite-url x-scheme x-url-scheme'
  ).split(' '),
);
const CLAIM_LENGTH_MAX = 31;

/** The head at the start of `text`, or null if there is no complete and acceptable one. */
export function referenceRequest(text: string, limits: HeadLimits): ReferenceHead | null {
  const match = REQUEST.exec(text);
  if (match === null) return null;
  const [whole, method, target, minor, lines] = match;
  const fields = splitFields(lines);
  const isOld = minor === '0';
  const body = bodyOf(fields, isOld);
  if (
    whole.length > limits.headBytes ||
    fields.length > limits.headers ||
    body === null ||
    /^CONNECT$|[a-z]/.test(method)
  )
    return null;

  const hosts = fields.filter(([name]) => name.toLowerCase() === 'host').map(([, value]) => value);
  if (hosts.length > 1 || (hosts.length === 0 && !isOld)) return null;
  let authority: string | undefined = hosts[0];
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  if (absolute !== null) {
    const [, ofTarget, rest] = absolute;
    if (rest.startsWith('?')) return null;
    if (authority !== undefined && authority.toLowerCase() !== ofTarget.toLowerCase()) return null;
    authority = ofTarget;
  } else if (!target.startsWith('/') && !(target === '*' && method === 'OPTIONS')) return null;
  const host = authority === undefined ? '' : hostOf(authority);
  if (host === null) return null;
  return { taken: whole.length, startLine: [method, target, minor], fields, body: body === '' ? 'none' : body, host };
}

/** The head at the start of `text`, or null if there is no complete and acceptable one. */
export function referenceResponse(text: string, limits: HeadLimits): ReferenceHead | null {
  const match = RESPONSE.exec(text);
  if (match === null) return null;
  const [whole, minor, status, reason, lines] = match;
  const fields = splitFields(lines);
  const body = bodyOf(fields, minor === '0');
  if (whole.length > limits.headBytes || fields.length > limits.headers || body === null) return null;
  const startLine = [minor, status, reason];
  return { taken: whole.length, startLine, fields, body: body === '' ? 'until-close' : body, host: '' };
}

/** The number of bytes of the trailer section at the start of `text`, or null. */
export function referenceTrailers(text: string, fieldsMax: number): number | null {
  const match = TRAILERS.exec(text);
  if (match === null || match[0].length > TRAILER_BYTES_MAX) return null;
  const names = splitFields(match[1]).map(([name]) => name.toLowerCase());
  if (names.length > fieldsMax) return null;
  const isRefused = names.some((name) => NOT_IN_TRAILERS.has(name) || isLookalike(name) || isClaim(name));
  return isRefused ? null : match[0].length;
}

/** The data of the chunks at the start of `text` and the bytes up to the end of the last chunk's line, or null. */
export function referenceChunks(text: string): { taken: number; data: string } | null {
  let data = '';
  let at = 0;
  for (;;) {
    const match = CHUNK_LINE.exec(text.slice(at));
    if (match === null || match[0].length > CHUNK_LINE_BYTES_MAX) return null;
    const size = BigInt(`0x${match[1]}`);
    at += match[0].length;
    if (size === 0n) return { taken: at, data };
    if (size > BigInt(text.length)) return null;
    const end = at + Number(size);
    if (text.slice(end, end + 2) !== '\r\n') return null;
    data += text.slice(at, end);
    at = end + 2;
  }
}

function splitFields(lines: string): [string, string][] {
  return lines
    .split('\r\n')
    .slice(0, -1)
    .map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
    });
}

/** As servers read it that take any other character for a hyphen. */
function meantBy(lowerName: string): string {
  return lowerName.replace(/[^0-9a-z]/g, '-');
}

function isClaim(lowerName: string): boolean {
  const meant = meantBy(lowerName);
  const isOurs = meant === 'x-request-id' && meant !== lowerName;
  return lowerName.length <= CLAIM_LENGTH_MAX && (isOurs || CLAIMS.has(meant) || /^x-forwarded-./.test(meant));
}

function isLookalike(lowerName: string): boolean {
  const meant = meantBy(lowerName);
  return meant !== lowerName && LOOKALIKE.test(meant);
}

/** The body as the fields tell it, '' if they say nothing, null if the fields are refused. */
function bodyOf(fields: readonly (readonly [string, string])[], isOld: boolean): number | 'chunked' | '' | null {
  const all = (wanted: string) => fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  if (fields.some(([name]) => isLookalike(name.toLowerCase()))) return null;
  for (const value of all('connection')) {
    for (const option of value.split(',').map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ''))) {
      if (option === '') continue;
      if (!new RegExp(`^${TOKEN}$`).test(option)) return null;
      if (/^(?:host|content-length|transfer-encoding|expect)$/i.test(option)) return null;
    }
  }
  const lengths = all('content-length');
  const codings = all('transfer-encoding');
  if (lengths.length + codings.length > 1) return null;
  if (codings.length === 1) return codings[0].toLowerCase() === 'chunked' && !isOld ? 'chunked' : null;
  if (lengths.length === 0) return '';
  if (!/^[0-9]+$/.test(lengths[0]) || BigInt(lengths[0]) > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return Number(lengths[0]);
}

function hostOf(authority: string): string | null {
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::([0-9]*))?$/.exec(authority);
  if (match === null || Number(match[2] ?? 0) > 65535) return null;
  const host = match[1];
  if (/^\[v[0-9a-f]+\.[-0-9a-z._~!$&'()*+,;=:]+\]$/i.test(host)) return host;
  if (host.startsWith('[')) return parseIPv6(host.slice(1, -1)) === null ? null : host;
  return REG_NAME.test(host) && host !== '.' && !host.includes('..') ? host : null;
}
