/**
 * What the admin API leaves out: passwords, tokens and the like, wherever an operator may have written one. What stands in their place says that
 * something was there. Names of files with secrets are none.
 */

export const REDACTED = '(redacted)';

/** Whatever stands before them ... */
const NAMED_ANYHOW = 'password|passwd|passphrase|secret|token';
/** ... and those that are parts of other words. */
const NAMED_APART = 'pass|pwd|(?:api|access|auth|secret)[-_]?key|auth|authorization|signature|sig';
const NAMED = `(?:[\\w-]*(?:${NAMED_ANYHOW})|(?:[\\w-]*[-_])?(?:${NAMED_APART}))`;
/** Of keys and header fields. */
const SECRET_NAME = new RegExp(`^(?:${NAMED}|(?:[\\w-]*[-_])?credentials?)$`, 'i');
/** Of cookies the name alone is none: a hash goes by it. */
const COOKIE = /^(?:set-)?cookie$/i;
/** These name files. */
const FILES: ReadonlySet<string> = new Set(['ticket-secret']);
/** What names of clients' stand in: there a map says what a secret has to be. */
const CONDITIONS: ReadonlySet<string> = new Set(['header', 'query']);
/*
 * Texts may be a client's, and long: each of these looks at a run of characters once, from its beginning.
 */
/** `://user:password@`, `?token=x`, `PGPASSWORD=x`, `--password=x`, `--password x`, `Authorization: Bearer x`. */
const USER_INFO = /(:\/\/)[^\s/?#@]+@/g;
const ASSIGNED = new RegExp(`(?<![\\w-])(${NAMED}=|--?${NAMED} )[^\\s&;#]+`, 'gi');
const CREDENTIALS = /\b((?:Bearer|Basic) +)[A-Za-z0-9+/=._~-]{4,}/gi;
const FLAG = new RegExp(`^--?${NAMED}$`, 'i');

/** The cheap question, for all that has none. */
const MAY_HAVE = new RegExp(`://[^\\s/?#]*@|(?:${NAMED_ANYHOW}|${NAMED_APART})[= ]|bearer |basic `, 'i');

export function redactText(text: string): string {
  if (!MAY_HAVE.test(text)) return text;
  return text
    .replace(USER_INFO, `$1${REDACTED}@`)
    .replace(ASSIGNED, `$1${REDACTED}`)
    .replace(CREDENTIALS, `$1${REDACTED}`);
}

/** Of something that has a name, as a header field or a value has: what it says. */
export function redactNamed(name: string, text: string): string {
  return SECRET_NAME.test(name) || (COOKIE.test(name) && text.includes('=')) ? REDACTED : redactText(text);
}

/** A copy of plain data. */
export function redacted(value: unknown): unknown {
  return redactedIn(value, '');
}

/** `parent`: the key that it stands at. */
function redactedIn(value: unknown, parent: string): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) {
    // What follows a flag of a command is its value.
    return value.map((each, i) => (i > 0 && FLAG.test(String(value[i - 1])) ? REDACTED : redactedIn(each, '')));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, isSecret(key, each, parent) ? REDACTED : redactedIn(each, key)]),
  );
}

/** A map is looked into, as the `auth` of a virtual router or an upstream of that name, unless it is a condition. */
function isSecret(key: string, value: unknown, parent: string): boolean {
  const isCondition = CONDITIONS.has(parent);
  if (COOKIE.test(key)) return isCondition || listOf(value).some((each) => each.includes('='));
  if (!SECRET_NAME.test(key) || FILES.has(key)) return false;
  return isCondition || typeof value === 'string' || typeof value === 'number' || Array.isArray(value);
}

function listOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string');
}
