/** evenkeel.yaml, from text to a Config that is right, or to everything that is wrong with it. */
import { checkDocument } from '../check.ts';
import type { Diagnostic, SourceMap } from '../diagnostic.ts';
import { diagnose, sortDiagnostics } from '../diagnostic.ts';
import type { Code } from '../errors.ts';
import type { Config } from '../model.ts';
import { checkShape } from '../shape.ts';
import { readYaml } from './read.ts';

export interface Loaded {
  /** Null if there is any error. */
  readonly config: Config | null;
  /** Errors and warnings, in the order of the file. */
  readonly diagnostics: readonly Diagnostic[];
  readonly source: SourceMap;
}

export interface LoadOptions {
  /** As it is to be printed in diagnostics. */
  readonly file: string;
  /** Which node this is, where the caller knows: goes before the document's `node`. */
  readonly node?: string | undefined;
}

/** What may be wrong with a text only because of an error of syntax further down. */
const FOLLOWS_FROM_SYNTAX: ReadonlySet<Code> = new Set<Code>(['missing-key', 'no-value', 'wrong-type', 'empty-list']);

/** Never throws for what is in the text. */
export function loadYaml(text: string, options: LoadOptions): Loaded {
  const yaml = readYaml(options.file, text);
  const { source } = yaml;
  const diagnostics = yaml.problems.map((found) => diagnose(found, options.file, yaml.positionOf(found.offset)));
  if (yaml.value === null) return { config: null, diagnostics: sortDiagnostics(diagnostics), source };

  const shape = checkShape(yaml.value);
  const findings =
    yaml.soundUntil === Infinity
      ? [...shape.findings, ...checkDocument(shape, source, options.node ?? null)]
      : shape.findings.filter(({ code }) => !FOLLOWS_FROM_SYNTAX.has(code));
  const endLine = yaml.soundUntil === Infinity ? Infinity : yaml.positionOf(yaml.soundUntil).line;
  for (const found of findings) {
    const position = source.locate(found.path, found.part);
    if (position.line < endLine) diagnostics.push(diagnose(found, options.file, position));
  }
  const isRight = diagnostics.every(({ severity }) => severity !== 'error');
  return {
    config: isRight ? (shape.document as Config) : null,
    diagnostics: sortDiagnostics(diagnostics),
    source,
  };
}
