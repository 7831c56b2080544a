/**
 * What the admin API leaves out: passwords, tokens and the like, wherever an operator may have written one. What stands in their place says that
 * something was there. Names of files with secrets are none.
 */

export const REDACTED = '(redacted)';

const NAMED =
  'password|passwd|passphrase|pass|pwd|secret|token|api[-_]?key|access[-_]?key|auth|authorization|signature|sig';
/** Of keys and header fields. */
const SECRET_NAME = new RegExp(`^(?:[\\w-]*[-_])?(?:${NAMED}|credentials?)$`, 'i');
/** Of cookies the name alone is none: a hash goes by it. */
const COOKIE = /^(?:set-)?cookie$/i;
/** These name files. */
const FILES: ReadonlySet<string> = new Set(['ticket-secret']);
/** `://user:password@`, `?token=x`, `--password=x`, `--password x`, `Authorization: Bearer x`. */
const USER_INFO = /(:\/\/)[^\s/?#@]+@/g;
const ASSIGNED = new RegExp(`((?:[?&;]|--?)(?:[\\w-]*[-_])?(?:${NAMED})[= ])[^\\s&;#]+`, 'gi');
const CREDENTIALS = /\b((?:Bearer|Basic) +)[A-Za-z0-9+/=._~-]{4,}/gi;
const FLAG = new RegExp(`^--?(?:[\\w-]*[-_])?(?:${NAMED})$`, 'i');

/** The cheap question, for all that has none. */
const MAY_HAVE = /:\/\/[^\s/?#]*@|[?&;-][\w-]*(?:pass|pwd|secret|token|key|auth|sig)|bearer |basic /i;

export function redactText(text: string): string {
  if (!MAY_HAVE.test(text)) return text;
  return text
    .replace(USER_INFO, `$1${REDACTED}@`)
    .replace(ASSIGNED, `$1${REDACTED}`)
    .replace(CREDENTIALS, `$1${REDACTED}`);
}

/** A copy of plain data. */
export function redacted(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) {
    // What follows a flag of a command is its value.
    return value.map((each, i) => (i > 0 && FLAG.test(String(value[i - 1])) ? REDACTED : redacted(each)));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, isSecret(key, each) ? REDACTED : redacted(each)]),
  );
}

/** A map, as the `auth` of a virtual router is, is looked into. */
function isSecret(key: string, value: unknown): boolean {
  if (COOKIE.test(key)) return listOf(value).some((each) => each.includes('='));
  return (
    SECRET_NAME.test(key) &&
    !FILES.has(key) &&
    (typeof value === 'string' || typeof value === 'number' || Array.isArray(value))
  );
}

function listOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string');
}
