/** Values that are made of what a response says: which ones they are, and where they may be read. */
import { lookUp } from '../../base/look-up.ts';
import type { Config, Loose, ValueConfig } from '../model/config.ts';
import { entriesOf } from '../model/parts.ts';
import type { NotedFieldsPlan } from '../plan/record.ts';
import { type LatePlan, markLateNames, parseLate, parseTemplate } from '../words/template.ts';

/** Names of values that a response has to be there for. */
export function lateNamesOf(values: Loose<Config>['values']): ReadonlySet<string> {
  return namesMadeOf(values, () => true);
}

/** The fields of responses that access logs say, themselves or by values that are made of them. Undefined: none. */
export function loggedFieldsOf({ 'access-logs': logs, values }: Config): NotedFieldsPlan | undefined {
  const names = { response: new Set<string>(), sent: new Set<string>() };
  const seen = new Set<string>();
  const look = (text: string): void => {
    for (const part of parseLate(text, false)) {
      if (typeof part !== 'string' && (part.kind === 'response' || part.kind === 'sent'))
        names[part.kind].add(part.name.toLowerCase());
    }
    for (const part of parseTemplate(text)) {
      if (typeof part === 'string' || part.kind !== 'value' || seen.has(part.name)) continue;
      seen.add(part.name);
      textsOf(lookUp(values ?? {}, part.name) ?? {}).forEach(look);
    }
  };
  for (const { format, when } of Object.values(logs ?? {})) [format, when].forEach((text) => look(text ?? ''));
  const { response, sent } = names;
  return response.size + sent.size === 0 ? undefined : { response: [...response], sent: [...sent] };
}

function namesMadeOf(values: Loose<Config>['values'], isMeant: (part: LatePlan) => boolean): ReadonlySet<string> {
  const names = new Set<string>();
  for (let size = -1; size < names.size;) {
    size = names.size;
    for (const [name, value] of entriesOf(values))
      if (textsOf(value).some((text) => isMadeOf(text, isMeant, names))) names.add(name);
  }
  return names;
}

/** The first value of a request in the texts of a late one, which is gone by then; null: there is none. */
export function findEarly(value: Loose<ValueConfig>, late: ReadonlySet<string>): string | null {
  for (const text of textsOf(value)) {
    for (const part of parseTemplate(text)) {
      if (typeof part === 'string' || part.kind === 'date' || (part.kind === 'value' && late.has(part.name))) continue;
      return part.name === null ? `{${part.kind}}` : `{${part.kind}:${part.name}}`;
    }
  }
  return null;
}

/** A part of a configuration in which late values are named as such. */
export function withLateNames<T>(part: T, late: ReadonlySet<string>, hasDates: boolean): T {
  if (late.size === 0) return part;
  if (typeof part === 'string') return markLateNames(part, (name) => late.has(name), hasDates) as T;
  if (Array.isArray(part)) return part.map((inner: unknown) => withLateNames(inner, late, hasDates)) as T;
  if (typeof part !== 'object' || part === null) return part;
  return Object.fromEntries(
    Object.entries(part).map(([key, inner]) => [key, withLateNames(inner, late, hasDates)]),
  ) as T;
}

function isMadeOf(text: string, isMeant: (part: LatePlan) => boolean, names: ReadonlySet<string>): boolean {
  if (parseLate(text, false).some((part) => typeof part !== 'string' && isMeant(part))) return true;
  return parseTemplate(text).some((part) => typeof part !== 'string' && part.kind === 'value' && names.has(part.name));
}

/** Of a map. */
function textsOf(value: Loose<ValueConfig>): readonly string[] {
  const tables = [value.exact, value.hosts].flatMap((table) => Object.values(table ?? {}));
  const lines = (value.regex ?? []).map((line) => line?.value);
  const texts = [value.map, ...tables, ...lines, value.map === undefined ? undefined : value.otherwise];
  return texts.filter((text) => text !== undefined);
}
