/**
 * The tree of directives of an nginx.conf with all that it includes. What a directive means is not known here, except for
 * `include`, which is replaced by what it names, wherever it stands.
 */
import type { Place } from '../findings/diagnostic.ts';
import type { FileAccess, RootFile } from '../front-end.ts';
import { NginxSyntaxError, Tokenizer, type Word } from './tokens.ts';

export interface Directive {
  readonly name: string;
  readonly args: readonly Word[];
  /** Null: it ended with `;`. */
  readonly block: readonly Directive[] | null;
  readonly place: Place;
}

/** Each of these, and each in its block. */
export function* everyDirective(directives: readonly Directive[]): Generator<Directive> {
  for (const directive of directives) {
    yield directive;
    if (directive.block !== null) yield* everyDirective(directive.block);
  }
}

export interface Parsed {
  readonly directives: readonly Directive[];
  /** Where the tree ends: what follows cannot be read. */
  readonly fault: NginxSyntaxError | null;
  /** Files that are included and cannot be read: the tree goes on without them. */
  readonly missing: readonly NginxSyntaxError[];
}

/** Where a preface is written. */
export const COMMAND_LINE = 'command line';
/** Blocks in blocks; a parser that recurses has to end somewhere. */
const DEPTH_MAX = 64;
const INCLUDE_DEPTH_MAX = 32;
const FILES_MAX = 20_000;
const DIRECTIVES_MAX = 2_000_000;

/** Never throws for what is in the files. */
export function parseNginx(root: RootFile, files: FileAccess): Parsed {
  const parser = new Parser(root.name, files);
  try {
    if (root.preface !== undefined) parser.readFile(COMMAND_LINE, root.preface, 0, 0);
    parser.readFile(root.name, root.text, 0, 0);
    return { directives: parser.root, fault: null, missing: parser.missing };
  } catch (error) {
    if (!(error instanceof NginxSyntaxError)) throw error;
    return { directives: parser.root, fault: error, missing: parser.missing };
  }
}

class Parser {
  readonly root: Directive[] = [];
  readonly missing: NginxSyntaxError[] = [];
  private readonly directory: string;
  private readonly files: FileAccess;
  private fileCount = 0;
  private directiveCount = 0;

  constructor(rootName: string, files: FileAccess) {
    const slash = rootName.lastIndexOf('/');
    this.directory = slash < 0 ? '' : rootName.slice(0, slash + 1);
    this.files = files;
  }

  readFile(name: string, text: string, includes: number, depth: number, into: Directive[] = this.root): void {
    const tokens = new Tokenizer(name, text);
    const end = this.readBlock(tokens, into, includes, depth);
    if (end.isBrace) {
      throw new NginxSyntaxError('unexpected "}"', 'remove it: no block is open here', end.place);
    }
  }

  /** Up to the end of the block or of the file. */
  private readBlock(
    tokens: Tokenizer,
    into: Directive[],
    includes: number,
    depth: number,
  ): { readonly isBrace: boolean; readonly place: Place } {
    for (;;) {
      const { words, end, place } = tokens.next();
      if (end === '}' || end === 'end') return { isBrace: end === '}', place };
      const [name, ...args] = words;
      if (++this.directiveCount > DIRECTIVES_MAX) {
        throw new NginxSyntaxError(`more than ${DIRECTIVES_MAX} directives`, 'write fewer', name.place);
      }
      if (name.text === 'include' && end === ';') {
        this.include(name, args, into, includes, depth);
      } else if (end === ';') {
        into.push({ name: name.text, args, block: null, place: name.place });
      } else {
        if (depth >= DEPTH_MAX) {
          throw new NginxSyntaxError(`blocks nested deeper than ${DEPTH_MAX}`, 'write it flatter', name.place);
        }
        const block: Directive[] = [];
        into.push({ name: name.text, args, block, place: name.place });
        const inner = this.readBlock(tokens, block, includes, depth + 1);
        if (!inner.isBrace) {
          const reason = 'unexpected end of file, expecting "}"';
          throw new NginxSyntaxError(reason, `close the block that begins on line ${name.place.line}`, inner.place);
        }
      }
    }
  }

  private include(name: Word, args: readonly Word[], into: Directive[], includes: number, depth: number): void {
    if (args.length !== 1) {
      const reason = 'invalid number of arguments in "include" directive';
      throw new NginxSyntaxError(reason, 'write one path, in quotes if there are spaces in it', name.place);
    }
    const [{ text, place }] = args;
    if (includes >= INCLUDE_DEPTH_MAX) {
      const reason = `includes nested deeper than ${INCLUDE_DEPTH_MAX}`;
      throw new NginxSyntaxError(reason, 'look for a file that includes itself', place);
    }
    const path = text.startsWith('/') ? text : this.directory + text;
    const paths = /[*?[]/.test(text) ? this.files.glob(path) : [path];
    for (const one of paths) {
      const found = this.files.read(one);
      if ('reason' in found) {
        const reason = `open() "${one}" failed: ${found.reason}`;
        const fix = `correct the path; it is relative to ${this.directory || 'this folder'}`;
        this.missing.push(new NginxSyntaxError(reason, fix, place));
        continue;
      }
      if (++this.fileCount > FILES_MAX) {
        throw new NginxSyntaxError(`more than ${FILES_MAX} files are included`, 'include fewer', place);
      }
      this.readFile(one, found.text, includes + 1, depth, into);
    }
  }
}
