/** Places in a configuration, as the admin API writes them: JSON Pointers (RFC 6901), `/upstreams/web/servers/0`. */

/** Why a change cannot be made; nothing has changed. */
export class ChangeError extends Error {
  override readonly name = 'ChangeError';
  /** `syntax`: what was sent is none; `absent`: there is no such place; `refused`: it is understood, and does not do. */
  readonly kind: 'syntax' | 'absent' | 'refused';

  constructor(kind: ChangeError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export type Steps = readonly string[];
export type PlainMap = Readonly<Record<string, unknown>>;

/** The whole is ''. Throws ChangeError. */
export function parsePointer(text: string): Steps {
  if (text === '') return [];
  if (!text.startsWith('/')) {
    throw new ChangeError('syntax', `a place begins with a slash: /upstreams/web; nothing at all is the whole`);
  }
  if (/~(?![01])/.test(text)) throw new ChangeError('syntax', 'in a place `~` is written ~0, and `/` in a name ~1');
  return text
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export function pointerText(steps: readonly (string | number)[]): string {
  return steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

export function isMap(value: unknown): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws ChangeError if there is nothing. */
export function valueAt(whole: unknown, steps: Steps): unknown {
  let value = whole;
  for (const [i, step] of steps.entries()) {
    if (Array.isArray(value) && isIndex(step) && Number(step) < value.length) value = value[Number(step)];
    else if (isMap(value) && Object.hasOwn(value, step)) value = value[step];
    else throw new ChangeError('absent', `there is nothing at ${pointerText(steps.slice(0, i + 1))}`);
  }
  return value;
}

export function isIndex(step: string): boolean {
  return /^(?:0|[1-9][0-9]{0,8})$/.test(step);
}
