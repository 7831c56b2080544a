/**
 * What a language of configuration files has to offer: it tells its own texts from others, and makes of a file, with all that
 * the file includes, a part of a configuration document. Whatever follows (shape, checks, plan) is the same for all languages.
 *
 * A front-end is pure: what it needs of the file system it asks the caller for, who so knows every file that counts.
 */
import type { Diagnostic, Finding, Problem, SourceMap } from './findings/diagnostic.ts';
import type { ProcessSettings } from './process-settings.ts';

export type FrontEndName = 'yaml' | 'nginx' | 'keepalived';

/** A file that was named by who starts evenkeel. */
export interface RootFile {
  /** As it is to be printed in diagnostics; `include` is relative to it where a language says so. */
  readonly name: string;
  /** The folder that it is in, from the root on; without it only `name` says. */
  readonly directory?: string;
  readonly text: string;
  /** What the command line says in the same language; it is read before the text. */
  readonly preface?: string;
  /** Where paths begin that do not begin with a slash, in a language that says such things; with a slash at its end. */
  readonly prefix?: string;
  /** What it says of the processes themselves holds. */
  readonly rulesProcesses?: boolean;
}

export interface FileAccess {
  /** The text of a file that is included, or why it cannot be had. */
  read(path: string): { readonly text: string } | { readonly reason: string };
  /** The paths that match a pattern as glob(3) has it, sorted. A pattern without special characters matches what is there. */
  glob(pattern: string): readonly string[];
}

export interface FrontEndContext {
  readonly files: FileAccess;
  /** Which node this is, where the caller knows. */
  readonly node: string | null;
}

/** A file as a part of a configuration document. */
export interface FrontEndDocument {
  readonly frontEnd: FrontEndName;
  /** A document as YAML could hold it, with gaps (gaps.ts) where something could not be read. It becomes the caller's. */
  readonly value: unknown;
  readonly source: SourceMap;
  /** What the front-end has found itself. */
  readonly diagnostics: readonly Diagnostic[];
  /** What it says of the processes themselves, in a language that says such things. */
  readonly processes?: ProcessSettings;
  /** The words of this language for something that was found about the document; what it has no better words for as it is. */
  explain(finding: Finding): Problem;
}

export interface FrontEnd {
  readonly name: FrontEndName;
  /** By its content. What no other language recognizes is YAML. */
  recognizes(text: string): boolean;
  /** Never throws for what is in the text. */
  read(root: RootFile, context: FrontEndContext): FrontEndDocument;
}
