/**
 * Several documents as one: the maps of listeners, upstreams, values, virtual routers and announcements are joined by name, everything else may be
 * written in one of them. What is in two is reported, with both places, and the first counts.
 */
import type { Diagnostic, Path, SourceMap } from './findings/diagnostic.ts';
import { diagnose, placeText, problem } from './findings/diagnostic.ts';
import type { FrontEndDocument } from './front-end.ts';
import { UNREADABLE } from './gaps.ts';
import { kindOf } from './model/schema-walk.ts';

export interface Merged {
  readonly value: unknown;
  readonly source: SourceMap;
  readonly diagnostics: readonly Diagnostic[];
  /** The document that a part comes from. */
  readonly ownerOf: (path: Path) => FrontEndDocument;
}

/** Parts of the document that are maps by name. */
const JOINED: ReadonlySet<string> = new Set(['listeners', 'upstreams', 'values', 'ha', 'announce']);

type PlainMap = Record<string, unknown>;

/** At least one document, each of which has a value. */
export function mergeDocuments(documents: readonly FrontEndDocument[]): Merged {
  const [first] = documents;
  if (documents.length === 1) {
    return { value: first.value, source: first.source, diagnostics: [], ownerOf: () => first };
  }
  const value: PlainMap = {};
  const owners = new Map<string, FrontEndDocument>();
  const diagnostics: Diagnostic[] = [];
  const take = (into: PlainMap, path: Path, part: unknown, from: FrontEndDocument): void => {
    const key = String(path[path.length - 1]);
    const owner = owners.get(JSON.stringify(path));
    if (owner !== undefined && part === UNREADABLE) return;
    if (owner !== undefined) {
      const args = { what: path.map(String).join('.'), other: placeText(owner.source.locate(path, 'key')) };
      diagnostics.push(diagnose(problem('in-two-files', args), from.source.locate(path, 'key')));
      return;
    }
    into[key] = part;
    owners.set(JSON.stringify(path), from);
  };
  for (const document of documents) {
    // What is no map at all is for the shape to say, about that document alone.
    if (kindOf(document.value) !== 'map') {
      return { value: document.value, source: document.source, diagnostics: [], ownerOf: () => document };
    }
    for (const [key, part] of Object.entries(document.value as PlainMap)) {
      if (!JOINED.has(key) || kindOf(part) !== 'map' || (Object.hasOwn(value, key) && kindOf(value[key]) !== 'map')) {
        take(value, [key], part, document);
        continue;
      }
      if (!Object.hasOwn(value, key)) value[key] = {};
      for (const [name, entry] of Object.entries(part as PlainMap)) {
        take(value[key] as PlainMap, [key, name], entry, document);
      }
    }
  }
  const ownerOf = (path: Path): FrontEndDocument =>
    owners.get(JSON.stringify(path.slice(0, 2))) ??
    owners.get(JSON.stringify(path.slice(0, 1))) ??
    documents.find((document) => path.length > 0 && Object.hasOwn(document.value as PlainMap, path[0])) ??
    first;
  return {
    value,
    source: { file: null, locate: (path, part) => ownerOf(path).source.locate(path, part) },
    diagnostics,
    ownerOf,
  };
}
