/**
 * What to write instead of a value that is of another kind, or not one of the choices. A remedy is only given where what it says
 * passes the schema: a wrong one is worse than none.
 */
import * as z from 'zod';
import { show } from '../findings/diagnostic.ts';
import type { Kind, Schema } from './schema-walk.ts';
import { expectation, kindOf, kindsOf, metaOf, optionFor, unwrap, yamlText } from './schema-walk.ts';
import { calledElsewhere, nearest } from '../findings/suggest.ts';

/** `expected`: all that is possible, in words. */
export function adviseChoice(choices: readonly unknown[], value: unknown, expected: string): string {
  const words = choices.map(String);
  if (words.length === 1 && words[0] === 'true') return 'write true, or leave the key out';
  if (typeof value === 'string') {
    if (choices.includes(Number(value))) return `write ${value} without quotes`;
    const elsewhere = calledElsewhere(value, words);
    if (elsewhere !== null) return elsewhere;
    const near = nearest(value, words);
    if (near !== null) return `write ${near}`;
  }
  return `write ${expected}`;
}

export function isNumberInQuotes(schema: Schema, value: unknown): boolean {
  return (
    typeof value === 'string' &&
    /^-?[0-9]+(\.[0-9]+)?$/.test(value) &&
    kindsOf(schema).has('number') &&
    passes(schema, Number(value))
  );
}

const BOOLEAN_WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({ yes: 'true', on: 'true', no: 'false', off: 'false' }),
);

/** For a value of a kind that the schema does not take. */
export function adviseType(schema: Schema, kinds: ReadonlySet<Kind>, value: unknown): string {
  const scalar = adviseScalar(schema, kinds, value);
  if (scalar !== null) return scalar;
  const wrapped = wrap(schema, value);
  if (wrapped !== null) return `write ${yamlText(wrapped)}`;
  if (Array.isArray(value) && value.length > 0 && !kinds.has('list') && !kinds.has('map') && passes(schema, value[0])) {
    return `write ${yamlText(value[0])}${value.length > 1 ? ': it can only be one' : ''}`;
  }
  const { examples, range } = metaOf(schema);
  if (kinds.has('number') && range !== undefined) return `write a whole number from ${range}`;
  if (examples?.[0] !== undefined) return `write for example ${yamlText(examples[0])}`;
  const target = optionFor(schema, {});
  if (target instanceof z.ZodObject) {
    return `write \`key: value\` lines below it; what is possible: ${Object.keys(target.shape).join(', ')}`;
  }
  if (kinds.has('map') && Array.isArray(value)) return 'write `name: ...` lines below it, without `-`';
  return `write ${expectation(schema)}`;
}

/** The same value in another notation. */
function adviseScalar(schema: Schema, kinds: ReadonlySet<Kind>, value: unknown): string | null {
  if (typeof value === 'string') {
    if (isNumberInQuotes(schema, value)) return `write ${value} without quotes`;
    const thousands = /^([0-9]+)\s*([kKmM])$/.exec(value);
    if (thousands !== null && kinds.has('number')) {
      const count = Number(thousands[1]) * (thousands[2].toLowerCase() === 'k' ? 1_000 : 1_000_000);
      if (passes(schema, count)) return `write ${count}`;
    }
    const word = BOOLEAN_WORDS.get(value.toLowerCase());
    return kinds.has('boolean') && word !== undefined ? `write ${word}` : null;
  }
  if (!kinds.has('text') || kindOf(value) === 'map' || kindOf(value) === 'list') return null;
  return passes(schema, String(value)) ? `write "${String(value)}", in quotes` : null;
}

const DEPTH_MAX = 3;

/** The list or map that the value was most likely meant to be the content of; null: none, or several. */
function wrap(schema: Schema, value: unknown, depth = 0): unknown {
  if (depth === DEPTH_MAX) return null;
  const list = optionFor(schema, []);
  if (list instanceof z.ZodArray && !Array.isArray(value)) {
    const parts = typeof value === 'string' ? value.trim().split(/\s*,\s*|\s+/) : [];
    if (parts.length > 1 && passes(list, parts)) return parts;
    if (passes(list, [value])) return [value];
    const inside = wrap(list.element, value, depth + 1);
    if (inside !== null && passes(list, [inside])) return [inside];
  }
  const map = optionFor(schema, {});
  if (map instanceof z.ZodRecord) return wrapRecord(map, value);
  return map instanceof z.ZodObject ? wrapObject(map, value) : null;
}

/** `"X-Env: prod"`, or a list of such texts. */
function wrapRecord(record: z.ZodRecord, value: unknown): unknown {
  const lines = (Array.isArray(value) ? value : [value]) as readonly unknown[];
  const pairs = lines.map((line) => (typeof line === 'string' ? /^([^:\s]+):\s*(.+)$/.exec(line) : null));
  if (pairs.length === 0 || pairs.includes(null)) return null;
  const map = Object.fromEntries(pairs.map((pair) => [pair![1], pair![2]]));
  return passes(record, map) ? map : null;
}

/** Under the one key that takes the value; a word that is the name of a switch is that switch. */
function wrapObject(object: z.ZodObject, value: unknown): unknown {
  if (kindOf(value) === 'map' || kindOf(value) === 'nothing') return null;
  const shape = object.shape as Readonly<Record<string, Schema>>;
  if (typeof value === 'string' && Object.hasOwn(shape, value) && passes(object, { [value]: true })) {
    return { [value]: true };
  }
  if (typeof value === 'string' && Object.hasOwn(shape, value)) {
    const example = metaOf(shape[value]).examples?.[0] ?? metaOf(unwrap(shape[value])).examples?.[0];
    if (example !== undefined && passes(object, { [value]: example })) return { [value]: example };
  }
  const taking = Object.keys(shape).flatMap((key) => {
    const inside = [value, ...(Array.isArray(value) ? [] : [[value]])].find((one) => passes(object, { [key]: one }));
    return inside === undefined ? [] : [{ key, inside }];
  });
  const isPath = typeof value === 'string' && value.startsWith('/');
  const paths = isPath ? taking.filter(({ key }) => metaOf(unwrap(shape[key])).title === 'path') : [];
  const [only] = paths.length === 1 ? paths : taking;
  return paths.length === 1 || taking.length === 1 ? { [only.key]: only.inside } : null;
}

function passes(schema: Schema, value: unknown): boolean {
  return z.safeParse(schema, value).success;
}

/** `key value` or `key = value`, where a key was expected. */
export function adviseColon(word: string, keys: readonly string[]): string | null {
  const parts = /^([\w-]+)\s*[ =]\s*(\S.*)$/.exec(word);
  return parts !== null && keys.includes(parts[1])
    ? `write \`${parts[1]}: ${show(parts[2]).replaceAll('`', '')}\``
    : null;
}

/** A file that is no map at all is often one of another program. */
export function adviseWholeFile(text: string): string | null {
  if (/^(vrrp_instance|vrrp_script|vrrp_sync_group|global_defs|virtual_server)\b/m.test(text)) {
    return 'if it is keepalived.conf, name it with `--keepalived`';
  }
  if (/\b(http|server|events|upstream|stream|location)\b[^{;]*\{/.test(text)) {
    return 'if it is an nginx.conf, say so with `--nginx FILE`';
  }
  if (/^\s*(global|defaults|frontend|backend|listen)\b/.test(text)) {
    return 'haproxy.cfg is not read: write listeners and upstreams in YAML (docs/configuration.md)';
  }
  return null;
}
