/** Values by name: each is made in one way, of values that there are, and not of itself. */
import { parseNetwork, UNIX } from '../words/addresses.ts';
import type { Path } from '../findings/diagnostic.ts';
import { show } from '../findings/diagnostic.ts';
import { findEarly, lateNamesOf } from './late-values.ts';
import type { Config, Loose } from '../model/config.ts';
import { entriesOf } from '../model/parts.ts';
import type { Report } from './report.ts';
import { nearest } from '../findings/suggest.ts';
import { parseTemplate } from '../words/template.ts';

const KINDS = ['map', 'networks', 'split', 'file', 'folder'] as const;
/** Keys that belong to one kind. */
const BELONGS = {
  exact: 'map',
  hosts: 'map',
  regex: 'map',
  volatile: 'map',
  of: 'networks',
  lists: 'networks',
  shares: 'split',
} as const;

export function checkValues(document: Loose<Config>, report: Report): void {
  const made = new Map<string, ReadonlySet<string>>();
  for (const [name, value] of entriesOf(document.values)) {
    const path: Path = ['values', name];
    const kind = report.oneOf(value, path, KINDS);
    for (const [key, owner] of Object.entries(BELONGS) as [keyof typeof BELONGS, (typeof KINDS)[number]][]) {
      if (kind === null || kind === owner || value[key] === undefined) continue;
      report.atKey([...path, key], 'no-effect', { key, reason: `there is no \`${owner}\``, fix: 'leave it out' });
    }
    for (const network of Object.keys(value.networks ?? {})) {
      const found = network === UNIX ? null : parseNetwork(network).problem;
      if (found !== null) report.findings.push({ ...found, path: [...path, 'networks', network], part: 'key' });
    }
    if ((kind === 'file' || kind === 'folder') && value.otherwise !== undefined) {
      const reason = `with \`${kind}\` the value is 1, or empty`;
      report.atKey([...path, 'otherwise'], 'no-effect', { key: 'otherwise', reason, fix: 'leave it out' });
    }
    let sum = 0;
    for (const share of value.shares ?? []) sum += Math.round(Number((share?.share ?? '0%').slice(0, -1)) * 100);
    if (sum > 10_000) report.atKey([...path, 'shares'], 'shares-over', { sum: `${sum / 100}%` });
    const parts = new Set<string>();
    eachReference(value, path, (reference) => parts.add(reference));
    made.set(name, parts);
  }
  for (const name of made.keys()) {
    if (isMadeOf(name, name, made, new Set())) report.atKey(['values', name], 'value-circle', { value: show(name) });
  }
  if (!report.isWhole([])) return;
  const known = new Set(made.keys());
  eachSet(document.listeners, (name) => known.add(name));
  eachSet(document.values, (name) => known.add(name));
  const check = (reference: string, path: Path): void => {
    if (known.has(reference)) return;
    const near = nearest(reference, [...known]);
    const fix = near === null ? `add it under \`values\`, or \`set\` it in a step` : `write {value:${near}}`;
    report.atValue(path, 'undefined-value', { value: show(reference), fix });
  };
  for (const part of ['listeners', 'upstreams', 'values', 'limiters', 'access-logs'] as const)
    eachReference(document[part], [part], check);
  checkLate(document, report);
}

/** Values that a response has to be there for. */
function checkLate(document: Loose<Config>, report: Report): void {
  const late = lateNamesOf(document.values);
  if (late.size === 0) return;
  for (const [name, value] of entriesOf(document.values)) {
    const early = late.has(name) ? findEarly(value, late) : null;
    if (early !== null) report.atValue(['values', name], 'late-value-mixed', { name: show(name), value: show(early) });
  }
  for (const part of ['listeners', 'upstreams', 'limiters'] as const) {
    eachReference(document[part], [part], (name, path) => {
      const headers = path.lastIndexOf('headers');
      const isOfResponse = headers >= 0 && (path[headers + 1] === 'response' || path[headers + 1] === 'success');
      if (late.has(name) && !isOfResponse) report.atValue(path, 'late-value-place', { value: show(`{value:${name}}`) });
    });
  }
}

function isMadeOf(
  name: string,
  of: string,
  made: ReadonlyMap<string, ReadonlySet<string>>,
  seen: Set<string>,
): boolean {
  for (const part of made.get(of) ?? []) {
    if (part === name) return true;
    if (seen.has(part)) continue;
    seen.add(part);
    if (isMadeOf(name, part, made, seen)) return true;
  }
  return false;
}

/** Each `{value:name}` in a part of the document. */
function eachReference(part: unknown, path: Path, found: (name: string, path: Path) => void): void {
  if (typeof part === 'string') {
    if (!part.includes('{value:')) return;
    for (const source of parseTemplate(part)) {
      if (typeof source !== 'string' && source.kind === 'value') found(source.name, path);
    }
  } else if (typeof part === 'object' && part !== null) {
    for (const [key, inner] of Object.entries(part)) {
      eachReference(inner, [...path, Array.isArray(part) ? Number(key) : key], found);
    }
  }
}

/** Each name that a step sets, or a group of an expression has. */
function eachSet(part: unknown, found: (name: string) => void): void {
  if (typeof part === 'string') {
    for (const [, name] of part.matchAll(/\(\?<([A-Za-z_]\w*)>/g)) found(name);
  } else if (typeof part === 'object' && part !== null) {
    for (const [key, inner] of Object.entries(part)) {
      if (key === 'set' && typeof inner === 'object' && inner !== null)
        for (const name of Object.keys(inner)) found(name);
      eachSet(inner, found);
    }
  }
}
