/** Finding one's way in a zod schema: the schema of a part, what kinds of value it takes, and that in words. */
import * as z from 'zod';
import type { Path } from '../findings/diagnostic.ts';
import type { Meta } from './scalars.ts';
import { orList } from '../findings/suggest.ts';

export type Schema = z.core.$ZodType;

/** What a person sees a value to be. */
export type Kind = 'text' | 'number' | 'boolean' | 'list' | 'map' | 'nothing';

export function kindOf(value: unknown): Kind {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return 'number';
  return typeof value === 'boolean' ? 'boolean' : 'map';
}

/** Without `optional`. */
export function unwrap(schema: Schema): Schema {
  return schema instanceof z.ZodExactOptional ? unwrap(schema.unwrap()) : schema;
}

export function metaOf(schema: Schema): Meta {
  return (z.globalRegistry.get(unwrap(schema)) ?? {}) as Meta;
}

export function kindsOf(schema: Schema): ReadonlySet<Kind> {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion) return new Set(inner.options.flatMap((option) => [...kindsOf(option)]));
  if (inner instanceof z.ZodEnum) return new Set(inner.options.map(kindOf));
  if (inner instanceof z.ZodLiteral) return new Set([...inner.values].map(kindOf));
  if (inner instanceof z.ZodArray) return new Set<Kind>(['list']);
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord) return new Set<Kind>(['map']);
  if (inner instanceof z.ZodNumber) return new Set<Kind>(['number']);
  return new Set<Kind>([inner instanceof z.ZodBoolean ? 'boolean' : 'text']);
}

/** What a path leads to in a document; undefined if it leads nowhere. */
export function valueAt(document: unknown, path: Path): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[step];
  }
  return value;
}

/** The schema of what a path leads to. Where there is a choice, the values tell which way it went. */
export function schemaAt(schema: Schema, path: Path, value: unknown): Schema {
  let at = unwrap(schema);
  for (let i = 0; i < path.length; i++) {
    const here = valueAt(value, path.slice(0, i));
    at = unwrap(child(optionFor(at, here), path[i]));
  }
  return at;
}

/** Whether what a path leads to may be left out: a key that need not be there, or an entry of a map by name. */
export function isOptionalAt(schema: Schema, path: Path, value: unknown): boolean {
  const parent = optionFor(schemaAt(schema, path.slice(0, -1), value), valueAt(value, path.slice(0, -1)));
  const last = path[path.length - 1];
  if (!(parent instanceof z.ZodObject)) return true;
  const shape = parent.shape as Readonly<Record<string, Schema>>;
  return !Object.hasOwn(shape, last) || shape[last] instanceof z.ZodExactOptional;
}

/** Of a union the first option that takes values of this kind; any other schema itself. */
export function optionFor(schema: Schema, value: unknown): Schema {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodUnion)) return inner;
  const kind = kindOf(value);
  const option = inner.options.find((one) => kindsOf(one).has(kind));
  return option === undefined ? inner : optionFor(option, value);
}

function child(schema: Schema, step: string | number): Schema {
  if (schema instanceof z.ZodObject) {
    const shape = schema.shape as Readonly<Record<string, Schema>>;
    return Object.hasOwn(shape, step) ? shape[step] : schema;
  }
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return schema instanceof z.ZodArray ? schema.element : schema;
}

/** Everywhere that a value is written per node: where, and for which nodes. `path` is that of `value`. */
export function perNodeMaps(
  schema: Schema,
  value: unknown,
  path: Path,
): { readonly path: Path; readonly names: readonly string[] }[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodUnion && metaOf(inner).perNode === true) {
    const isForAll = kindOf(value) !== 'map' || z.safeParse(inner.options[0], value).success;
    return isForAll ? [] : [{ path, names: Object.keys(value as object) }];
  }
  const kind = kindOf(value);
  if (kind !== 'map' && kind !== 'list') return [];
  const option = optionFor(inner, value);
  return Object.entries(value as object).flatMap(([key, inside]) => {
    const step = kind === 'list' ? Number(key) : key;
    return perNodeMaps(child(option, step), inside, [...path, step]);
  });
}

/** `a duration`, `http, tcp or udp`, `an address to listen on or a list`. */
export function expectation(schema: Schema): string {
  const inner = unwrap(schema);
  const { title } = metaOf(inner);
  const words = wordsOf(inner);
  if (words !== null) return orList(words);
  if (title !== undefined) return withArticle(title);
  if (inner instanceof z.ZodUnion) {
    return orList([...new Set(choices(inner).flatMap((option) => wordsOf(unwrap(option)) ?? [expectation(option)]))]);
  }
  const [kind] = kindsOf(inner);
  if (kind === 'boolean') return 'true or false';
  return kind === 'text' ? 'text' : `a ${kind}`;
}

/** Of a choice among words. */
function wordsOf(schema: Schema): readonly string[] | null {
  if (schema instanceof z.ZodEnum) return schema.options.map(String);
  return schema instanceof z.ZodLiteral ? Array.from(schema.values, String) : null;
}

/** Of a union in a union too, so that none is said twice. */
function choices(union: z.ZodUnion): readonly Schema[] {
  return union.options.flatMap((option) => {
    const inner = unwrap(option);
    return inner instanceof z.ZodUnion && metaOf(inner).title === undefined ? choices(inner) : [option];
  });
}

function withArticle(title: string): string {
  if (title === 'text') return title;
  return /^[aeiou]/i.test(title) && !/^(U|us|uni)/.test(title) ? `an ${title}` : `a ${title}`;
}

/** A value as one would write it in YAML, on one line. */
export function yamlText(value: unknown): string {
  if (Array.isArray(value)) return `[ ${value.map(yamlText).join(', ')} ]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, inside]) => `${key}: ${yamlText(inside)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  if (typeof value !== 'string') return String(value);
  const isPlain =
    /^[A-Za-z/][\w./@+-]*( [\w./@+-]+)*$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value);
  return isPlain || /^[0-9]+[A-Za-z]+$/.test(value) ? value : JSON.stringify(value);
}
