/**
 * OCSP responses (RFC 6960 section 4.2) as somebody gets them who staples them: for which certificate, what they say, and until when. Their signatures
 * are for clients to verify.
 */
import { utcMs } from '../../base/date-text.ts';
import {
  contextTag,
  type DerValue,
  GENERALIZED_TIME,
  headBytes,
  INTEGER,
  OCTET_STRING,
  parseDer,
  SEQUENCE,
  valuesIn,
} from './der.ts';

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
  const response = valuesIn(parseDer(bytes)?.[0], SEQUENCE);
  const [status, wrapped] = response ?? [];
  if (status?.tag !== ENUMERATED) return 'not a response';
  if (status.content[0] !== SUCCESSFUL) return 'no answer';
  const basic = valuesIn(valuesIn(wrapped, FIRST)?.[0], SEQUENCE)?.[1];
  const data = valuesIn(valuesIn(valuesIn(basic, OCTET_STRING)?.[0], SEQUENCE)?.[0], SEQUENCE);
  // in front stand a version, who has signed it, and when
  const list = data?.find(({ tag }, i) => i > 0 && tag === SEQUENCE);
  const answers = valuesIn(list, SEQUENCE)?.map(answerOf);
  if (answers === undefined || answers.length === 0 || answers.includes(null)) return 'not a response';
  return { answers: answers.filter((answer) => answer !== null) };
}

function answerOf(value: DerValue): OcspAnswer | null {
  const [id, state, from, next] = valuesIn(value, SEQUENCE) ?? [];
  const [algorithm, name, , serial] = valuesIn(id, SEQUENCE) ?? [];
  const hash = valuesIn(algorithm, SEQUENCE)?.[0]?.content;
  const said = state === undefined ? undefined : STATES.get(state.tag);
  const until = next?.tag === FIRST ? timeOf(valuesIn(next, FIRST)?.[0]) : Infinity;
  const since = timeOf(from);
  if (hash === undefined || name === undefined || serial?.tag !== INTEGER || said === undefined) return null;
  if (Number.isNaN(since) || Number.isNaN(until)) return null;
  const { content: issuerNameHash } = name;
  return { hash, issuerNameHash, serial: serial.content, state: said, fromMs: since, untilMs: until };
}

/** Of a certificate, DER. Null: it is none. */
export function ocspSubjectOf(certificate: Uint8Array): OcspSubject | null {
  const body = valuesIn(valuesIn(parseDer(certificate)?.[0], SEQUENCE)?.[0], SEQUENCE);
  const at = body?.findIndex(({ tag }) => tag === INTEGER) ?? -1;
  if (body === null || at < 0 || body[at + 2]?.tag !== SEQUENCE) return null;
  const { content } = body[at + 2];
  const { buffer, byteOffset, length } = content;
  // its head is hashed too
  const head = headBytes(length);
  return { issuer: new Uint8Array(buffer, byteOffset - head, head + length), serial: body[at].content };
}

/** Unix time; NaN: it is none. */
function timeOf(value: DerValue | undefined): number {
  if (value?.tag !== GENERALIZED_TIME) return NaN;
  const text = String.fromCharCode(...value.content);
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  return parts === null ? NaN : utcMs(parts.slice(1).map(Number));
}
