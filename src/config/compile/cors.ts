/** CORS of a route, as what there is without it: a step that answers a browser which asks first, and fields of the responses. */
import { crc32 } from '../../base/crc32.ts';
import { hashBytes } from '../../base/hash.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { CorsConfig } from '../model/cors.ts';
import type { RouteConfig } from '../model/config.ts';
import type { RoutePlan, StepPlan } from '../plan/route.ts';
import type { ValuePlan } from '../plan/value.ts';
import { parseDuration } from '../words/units.ts';

const ANY = '*';
/** What a page may ask with in any case (Fetch standard, section 2.2.1). */
const SAFE = ['GET', 'HEAD', 'POST'];
/** A browser that asks first says so with this method, and this field. */
const ASKS = '{method} {header:Access-Control-Request-Method}';
const IS_ASKING = '^OPTIONS [!-~]';

type Lines = readonly (readonly [name: string, value: string])[];

/** What each list of origins is: the origin of the request, if it is one of them. Equal ones are one. */
export class OriginLists {
  private readonly byName = new Map<string, ValuePlan>();

  /** What has the value of Access-Control-Allow-Origin. */
  add(origins: readonly string[]): string {
    const exact = [...new Set(origins.map((origin) => origin.toLowerCase()))].sort();
    const text = encodeUtf8(exact.join(' '));
    const key = [hashBytes(text, 0, text.length, 0), crc32(text, 0, text.length)];
    // no value of a file is called so
    const name = `__cors_${key.map((part) => (part >>> 0).toString(16)).join('_')}`;
    this.byName.set(name, {
      kind: 'map',
      name,
      of: '{header:Origin}',
      exact: exact.map((origin) => [origin, '{header:Origin}']),
      hosts: [],
      regexes: [],
      otherwise: '',
      isKept: true,
      isLate: false,
    });
    return `{value:${name}}`;
  }

  get all(): readonly ValuePlan[] {
    return [...this.byName.values()];
  }
}

export interface CorsParts {
  readonly step: StepPlan;
  /** Fields of responses that are set, and added. */
  readonly set: Lines;
  readonly add: Lines;
}

/** `answer`: a route that answers itself. */
export function compileCors(
  cors: CorsConfig,
  lists: OriginLists,
  answer: (route: RouteConfig) => RoutePlan,
): CorsParts {
  const { credentials = false, expose = [], headers = [], methods = [], origins } = cors;
  const isAny = origins.includes(ANY);
  const age = cors['max-age'];
  const common: Lines = [
    ['Access-Control-Allow-Origin', isAny ? ANY : lists.add(origins)],
    ...(credentials ? [['Access-Control-Allow-Credentials', 'true'] as const] : []),
  ];
  const add: Lines = isAny ? [] : [['Vary', 'Origin']];
  const asked: Lines = [
    ...common,
    ...add,
    ['Access-Control-Allow-Methods', [...new Set([...SAFE, ...methods])].join(', ')],
    ...(headers.length === 0 ? [] : [['Access-Control-Allow-Headers', headers.join(', ')] as const]),
    ...(age === undefined
      ? []
      : [['Access-Control-Max-Age', String(Math.floor((parseDuration(age) ?? 0) / 1000))] as const]),
  ];
  const route = answer({
    respond: { status: 204 },
    headers: { response: { set: Object.fromEntries(asked) } },
  });
  const test = { value: ASKS, is: null, regex: IS_ASKING, isNegated: false };
  return {
    step: { kind: 'if', test, steps: [{ kind: 'take', route }] },
    set: [...common, ...(expose.length === 0 ? [] : [['Access-Control-Expose-Headers', expose.join(', ')] as const])],
    add,
  };
}
