/** evenkeel.yaml, from text to a Config that is right, or to everything that is wrong with it. */
import { checkDocument } from '../check.ts';
import type { Diagnostic, SourceMap } from '../diagnostic.ts';
import { diagnose, sortDiagnostics } from '../diagnostic.ts';
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

/** Never throws for what is in the text. */
export function loadYaml(text: string, options: LoadOptions): Loaded {
  const yaml = readYaml(options.file, text);
  const { source } = yaml;
  const diagnostics = yaml.problems.map((found) => diagnose(found, options.file, yaml.positionOf(found.offset)));
  if (yaml.value === null) return { config: null, diagnostics: sortDiagnostics(diagnostics), source };

  const shape = checkShape(yaml.value);
  const findings = [...shape.findings];
  // Where the text's structure is in doubt, names that seem to be missing may only be misread.
  if (yaml.soundUntil === Infinity) findings.push(...checkDocument(shape, source, options.node ?? null));
  const end = yaml.soundUntil === Infinity ? null : yaml.positionOf(yaml.soundUntil);
  for (const found of findings) {
    const position = source.locate(found.path, found.part);
    const isSound = end === null || position.line < end.line;
    if (isSound && !(end !== null && found.code === 'missing-key'))
      diagnostics.push(diagnose(found, options.file, position));
  }
  const isRight = diagnostics.every(({ severity }) => severity !== 'error');
  return {
    config: isRight ? (shape.document as Config) : null,
    diagnostics: sortDiagnostics(diagnostics),
    source,
  };
}
