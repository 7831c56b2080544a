/** From files to a Config that is right, or to everything that is wrong with them, whatever languages they are written in. */
import { checkDocument } from './check/check.ts';
import type { Diagnostic, Path, SourceMap } from './findings/diagnostic.ts';
import { diagnose, sortDiagnostics } from './findings/diagnostic.ts';
import type { FrontEndDocument, FrontEndName } from './front-end.ts';
import { mergeDocuments } from './merge.ts';
import type { Config, Loose } from './model/config.ts';
import { trackOwnProxies } from './own-proxies.ts';
import { checkShape, pathAsWritten } from './model/shape.ts';

export interface Loaded {
  /** Null if there is any error. */
  readonly config: Config | null;
  /** What is right of the document: all of it, if there is no error. */
  readonly sound: Loose<Config>;
  /** Whether nothing is wrong with this part of it, and nothing was taken out. */
  isSound(part: keyof Config): boolean;
  /** The language that a part of it is written in. */
  readonly frontEndOf: (path: Path) => FrontEndName;
  /** The file that was named, which a part of it is in or was included from. */
  readonly rootOf: (path: Path) => string;
  /** Errors and warnings, in the order of the files. */
  readonly diagnostics: readonly Diagnostic[];
  readonly source: SourceMap;
}

/** At least one. `node`: which node this is, where the caller knows; it goes before the document's `node`. */
export function loadDocuments(documents: readonly FrontEndDocument[], node: string | null): Loaded {
  const diagnostics = documents.flatMap((document) => document.diagnostics);
  const { value, source: written, ownerOf: ownerOfWritten, diagnostics: clashes } = mergeDocuments(documents);
  diagnostics.push(...clashes);
  trackOwnProxies(value, ownerOfWritten);
  const shape = checkShape(value);
  const asWritten = (path: Path): Path => pathAsWritten(path, shape.misspelt);
  const source: SourceMap = { file: written.file, locate: (path, part) => written.locate(asWritten(path), part) };
  const ownerOf = (path: Path): FrontEndDocument => ownerOfWritten(asWritten(path));
  const faulty = new Set<string | number | undefined>(shape.wrong.map(([part]) => part));
  for (const found of [...shape.findings, ...checkDocument(shape, source, node)]) {
    const diagnostic = diagnose(ownerOf(found.path).explain(found), source.locate(found.path, found.part));
    diagnostics.push(diagnostic);
    if (diagnostic.severity === 'error') faulty.add(found.path[0]);
  }
  const isRight = shape.wrong.length === 0 && diagnostics.every(({ severity }) => severity !== 'error');
  return {
    sound: shape.document,
    frontEndOf: (path) => ownerOf(path).frontEnd,
    rootOf: (path) => ownerOf(path).source.locate([], 'value').file,
    isSound: (part) => !faulty.has(part) && !faulty.has(undefined),
    config: isRight ? (shape.document as Config) : null,
    diagnostics: sortDiagnostics(diagnostics),
    source,
  };
}
