/**
 * What a node goes by, in a few bytes: a digest of the whole configuration, and one of each part, so that two nodes can tell where they differ without telling what
 * they have. `node` does not count: it is what may differ. Nor do comments, the language, or whether it came from files or the API.
 */

export interface ConfigurationIdentity {
  readonly digest: string;
  /** By name, `upstreams/web`: each entry of a section, or a whole section. */
  readonly parts: Readonly<Record<string, string>>;
}

/** Of a configuration with more, whole sections are the parts. */
export const PARTS_MAX = 400;
const PART_NAME_MAX = 100;

type Section = Readonly<Record<string, unknown>>;

/** `config`: the configuration as JSON. */
export function identityOf(config: string, digestOf: (text: string) => string): ConfigurationIdentity {
  const { node: _, ...sections } = JSON.parse(config) as Section;
  const whole = Object.entries(sections);
  const entries = whole.flatMap(([name, section]) => entriesOf(name, section));
  const isShort = entries.length <= PARTS_MAX && entries.every(([name]) => isPartName(name));
  const parts = (isShort ? entries : whole).map(([name, value]) => [name, digestOf(JSON.stringify(value))] as const);
  return { digest: digestOf(JSON.stringify(sections)), parts: Object.fromEntries(parts) };
}

/** Where two differ, in the order of names; empty: nowhere. */
export function differingParts(one: ConfigurationIdentity, other: ConfigurationIdentity): readonly string[] {
  if (one.digest === other.digest) return [];
  const names = new Set([...Object.keys(one.parts), ...Object.keys(other.parts)]);
  const differing = [...names].filter((name) => partOf(one, name) !== partOf(other, name)).sort();
  return differing.length > 0 ? differing : ['the order of its parts'];
}

/** People are shown it: no control characters, which terminals obey. */
export function isPartName(name: string): boolean {
  return name.length <= PART_NAME_MAX && !/\p{Cc}/u.test(name);
}

function partOf({ parts }: ConfigurationIdentity, name: string): string | null {
  return Object.hasOwn(parts, name) ? parts[name] : null;
}

function entriesOf(name: string, section: unknown): readonly (readonly [string, unknown])[] {
  const isMap = typeof section === 'object' && section !== null && !Array.isArray(section);
  const entries = isMap ? Object.entries(section) : [];
  return entries.length === 0 ? [[name, section]] : entries.map(([key, value]) => [`${name}/${key}`, value]);
}
