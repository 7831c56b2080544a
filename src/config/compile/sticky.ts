/** How clients keep their servers, from the model to the plan. */
import { assert } from '../../base/assert.ts';
import { formatHex } from '../../base/bytes.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { Config, Loose, UpstreamConfig } from '../model/config.ts';
import { entriesOf, listOf } from '../model/parts.ts';
import type { LearnPlan, StickyCookiePlan, StickyPlan } from '../plan/upstream.ts';
import { parseDuration } from '../words/units.ts';

/** By the path of their file: the secret. */
export type StickyKeys = ReadonlyMap<string, string>;

export const NO_STICKY_KEYS: StickyKeys = new Map();

type StickyConfig = NonNullable<UpstreamConfig['sticky']>;

/** The files with secrets that a configuration names, each once, with the upstream that names it first. */
export function stickyKeysOf(config: Loose<Config>): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [name, { sticky }] of entriesOf(config.upstreams)) {
    const file = typeof sticky?.cookie === 'object' ? sticky.cookie.key : undefined;
    if (file !== undefined && !files.has(file)) files.set(file, name);
  }
  return files;
}

/** Of an upstream it is learned where sessions are. */
export function learnsSessions(config: Loose<Config>): boolean {
  return entriesOf(config.upstreams).some(([, { sticky }]) => sticky?.learn !== undefined);
}

export function compileSticky({ cookie, id, behind = '', learn }: StickyConfig, keys: StickyKeys): StickyPlan {
  if (learn !== undefined) return { by: [], behind: '', cookie: null, key: null, learn: compileLearn(learn) };
  if (cookie === undefined) return { by: listOf(id), behind, cookie: null, key: null };
  const written = typeof cookie === 'string' ? { name: cookie } : cookie;
  const secret = written.key === undefined ? undefined : keys.get(written.key);
  return {
    by: [`{cookie:${written.name}}`],
    behind: '',
    cookie: compileCookie(written),
    key: secret === undefined ? null : formatHex(encodeUtf8(secret)),
  };
}

function compileLearn(learn: NonNullable<StickyConfig['learn']>): LearnPlan {
  const written = typeof learn === 'string' ? { cookie: learn } : learn;
  return { cookie: written.cookie, idleS: seconds(written.idle ?? DEFAULTS.upstream.sticky.idle) };
}

function compileCookie(written: Exclude<NonNullable<StickyConfig['cookie']>, string>): StickyCookiePlan {
  const filled = { ...DEFAULTS.upstream.sticky, ...written };
  const maxAge = written['max-age'];
  return {
    name: written.name,
    maxAgeS: maxAge === undefined ? null : seconds(maxAge),
    domain: written.domain ?? '',
    sameSite: filled['same-site'],
    path: filled.path,
    secure: filled.secure,
    isHttpOnly: filled['http-only'],
    isSaidAlways: filled['every-response'] || maxAge !== undefined,
  };
}

function seconds(duration: string): number {
  const ms = parseDuration(duration);
  assert(ms !== null, `${duration} was checked`);
  return Math.floor(ms / 1000);
}
