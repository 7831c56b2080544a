/**
 * OCSP responses (RFC 6960 section 4.2) as somebody gets them who staples them: for which certificate, what they say, and until when. Their signatures
 * are for clients to verify.
 */
import { contextTag, type DerValue, GENERALIZED_TIME, INTEGER, OCTET_STRING, parseDer, SEQUENCE } from './der.ts';

export interface OcspResponse {
  readonly answers: readonly OcspAnswer[];
}

/** About one certificate. */
export interface OcspAnswer {
  /** By which the issuer's name was hashed: the content of its object identifier. */
  readonly hash: Uint8Array;
  readonly issuerNameHash: Uint8Array;
  /** As it stands in the certificate. */
  readonly serial: Uint8Array;
  readonly state: 'good' | 'revoked' | 'unknown';
  /** Unix time. */
  readonly fromMs: number;
  /** Infinity: it does not say. */
  readonly untilMs: number;
}

/** What a certificate has of this. */
export interface OcspSubject {
  /** The issuer's name, DER. */
  readonly issuer: Uint8Array;
  readonly serial: Uint8Array;
}

const ENUMERATED = 0x0a;
const SUCCESSFUL = 0;
const FIRST = contextTag(0, true);
const STATES = new Map<number, OcspAnswer['state']>([
  [contextTag(0, false), 'good'],
  [contextTag(1, true), 'revoked'],
  [contextTag(2, false), 'unknown'],
]);

/** What keeps the bytes from being a response that can be stapled. */
export type OcspFault = 'not a response' | 'no answer';

export function parseOcspResponse(bytes: Uint8Array): OcspResponse | OcspFault {
  const response = inside(parseDer(bytes)?.[0], SEQUENCE);
  const [status, wrapped] = response ?? [];
  if (status?.tag !== ENUMERATED) return 'not a response';
  if (status.content[0] !== SUCCESSFUL) return 'no answer';
  const basic = inside(inside(wrapped, FIRST)?.[0], SEQUENCE)?.[1];
  const data = inside(inside(inside(basic, OCTET_STRING)?.[0], SEQUENCE)?.[0], SEQUENCE);
  // in front stand a version, who has signed it, and when
  const list = data?.find(({ tag }, i) => i > 0 && tag === SEQUENCE);
  const answers = inside(list, SEQUENCE)?.map(answerOf);
  if (answers === undefined || answers.length === 0 || answers.includes(null)) return 'not a response';
  return { answers: answers.filter((answer) => answer !== null) };
}

function answerOf(value: DerValue): OcspAnswer | null {
  const [id, state, from, next] = inside(value, SEQUENCE) ?? [];
  const [algorithm, name, , serial] = inside(id, SEQUENCE) ?? [];
  const hash = inside(algorithm, SEQUENCE)?.[0]?.content;
  const said = state === undefined ? undefined : STATES.get(state.tag);
  const until = next?.tag === FIRST ? timeOf(inside(next, FIRST)?.[0]) : Infinity;
  const since = timeOf(from);
  if (hash === undefined || name === undefined || serial?.tag !== INTEGER || said === undefined) return null;
  if (Number.isNaN(since) || Number.isNaN(until)) return null;
  const { content: issuerNameHash } = name;
  return { hash, issuerNameHash, serial: serial.content, state: said, fromMs: since, untilMs: until };
}

/** Of a certificate, DER. Null: it is none. */
export function ocspSubjectOf(certificate: Uint8Array): OcspSubject | null {
  const body = inside(inside(parseDer(certificate)?.[0], SEQUENCE)?.[0], SEQUENCE);
  const at = body?.findIndex(({ tag }) => tag === INTEGER) ?? -1;
  if (body === null || at < 0 || body[at + 2]?.tag !== SEQUENCE) return null;
  const { content } = body[at + 2];
  const { buffer, byteOffset, length } = content;
  // its head is hashed too
  const head = headBytes(length);
  return { issuer: new Uint8Array(buffer, byteOffset - head, head + length), serial: body[at].content };
}

function headBytes(length: number): number {
  let bytes = 2;
  if (length >= 0x80) for (let left = length; left > 0; left = Math.floor(left / 256)) bytes++;
  return bytes;
}

/** Unix time; NaN: it is none. */
function timeOf(value: DerValue | undefined): number {
  if (value?.tag !== GENERALIZED_TIME) return NaN;
  const text = String.fromCharCode(...value.content);
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  return parts === null ? NaN : msOf(parts.slice(1).map(Number));
}

const DAY_MS = 86_400_000;

/** Of the year, month, day, hour, minute and second, by the Gregorian calendar. */
function msOf([year, month, day, hour, minute, second]: readonly number[]): number {
  const march = month > 2 ? year : year - 1;
  const era = Math.floor(march / 400);
  const ofEra = march - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const days = era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
  return days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000;
}

/** What is in a value of this tag. Null: it is another one, or not whole. */
function inside(value: DerValue | undefined, tag: number): readonly DerValue[] | null {
  return value?.tag === tag ? parseDer(value.content) : null;
}
