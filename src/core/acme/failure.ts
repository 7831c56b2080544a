/** Why an ACME server does not give what it was asked for: problem documents (RFC 8555 section 6.7, RFC 9457), and what comes instead of one. */
import { parseHttpDate } from '../../base/date-text.ts';

export interface AcmeFailure {
  /** `trouble`: no answer, or one that says that the server has trouble, or trouble here: it will pass. `limited`: too often. `refused`: it will be so again. */
  readonly kind: 'trouble' | 'limited' | 'refused';
  /** For people. */
  readonly text: string;
  /** `badNonce`; empty: it says none. */
  readonly type: string;
  /** How long the server wants to be left alone. Null: it does not say. */
  readonly retryAfterMs: number | null;
}

const ERROR_NAMESPACE = 'urn:ietf:params:acme:error:';
const TEXT_MAX = 400;
const SUBPROBLEMS_MAX = 5;
/** Whoever asks for more gets that. */
const RETRY_AFTER_MS_MAX = 7 * 86_400_000;

/** `body`: what was answered, as far as it is JSON. `nowMs`: Unix time. */
export function parseFailure(status: number, body: unknown, retryAfter: string | null, nowMs: number): AcmeFailure {
  const problem = isRecord(body) ? body : {};
  const type = typeText(problem['type']);
  const isLimited = type === 'rateLimited' || status === 429;
  const isTrouble = status >= 500 || type === 'serverInternal' || type === 'badNonce';
  return {
    kind: isLimited ? 'limited' : isTrouble ? 'trouble' : 'refused',
    text: describeProblem(problem) || `it answers ${status}`,
    type,
    retryAfterMs: parseRetryAfter(retryAfter, nowMs),
  };
}

/** `the CA's words (unauthorized); shop.example: its words`; empty: it says nothing. */
export function describeProblem(problem: unknown): string {
  if (!isRecord(problem)) return '';
  const type = typeText(problem['type']);
  const detail = typeof problem['detail'] === 'string' ? problem['detail'] : '';
  const subproblems = Array.isArray(problem['subproblems']) ? problem['subproblems'].slice(0, SUBPROBLEMS_MAX) : [];
  const parts = [detail === '' ? type : type === '' ? detail : `${detail} (${type})`];
  for (const one of subproblems) {
    if (!isRecord(one)) continue;
    const name = isRecord(one['identifier']) ? one['identifier']['value'] : null;
    parts.push(typeof name === 'string' ? `${name}: ${describeProblem(one)}` : describeProblem(one));
  }
  return printable(parts.filter((part) => part !== '').join('; '));
}

/** Seconds, or a date (RFC 9110 section 10.2.3), as milliseconds from now. Null: none, or nonsense. */
export function parseRetryAfter(field: string | null, nowMs: number): number | null {
  if (field === null) return null;
  const ms = /^\d{1,9}$/.test(field.trim()) ? Number(field) * 1_000 : parseHttpDate(field.trim()) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX);
}

/** What a peer says, on one line. */
export function printable(words: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is replaced
  const line = words.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return line.length <= TEXT_MAX ? line : `${line.slice(0, TEXT_MAX)}...`;
}

function typeText(type: unknown): string {
  if (typeof type !== 'string' || type === 'about:blank') return '';
  return type.startsWith(ERROR_NAMESPACE) ? type.slice(ERROR_NAMESPACE.length) : type;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
