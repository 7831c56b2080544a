/**
 * nginx.conf as words: what `ngx_conf_read_token` of nginx takes for one, with the place of each. Where a quote, an escape, a
 * brace or a `#` counts and where it is a character like others follows that function step by step:
 *
 * - quotes, `#` and `}` count only where a word begins; `;` and `{` end a bare word anywhere, except a `{` right behind a `$`;
 * - a backslash hides the next character from all of this. It goes in front of quotes and another backslash, `\t`, `\r` and `\n`
 *   become control characters, and in front of anything else it stays, for the sake of regular expressions;
 * - behind a closing quote comes a space, `;`, `{` or `)`.
 */
import type { Place } from '../findings/diagnostic.ts';

export interface Word {
  readonly text: string;
  readonly place: Place;
  /** It was written in quotes. */
  readonly isQuoted: boolean;
}

/** What ends a run of words. */
export type Terminator = ';' | '{' | '}' | 'end';

export interface Run {
  readonly words: readonly Word[];
  readonly end: Terminator;
  /** Of what ended it. */
  readonly place: Place;
}

/** In nginx's words. */
export class NginxSyntaxError extends Error {
  readonly reason: string;
  readonly fix: string;
  readonly place: Place;
  constructor(reason: string, fix: string, place: Place) {
    super(reason);
    this.reason = reason;
    this.fix = fix;
    this.place = place;
  }
}

/** NGX_CONF_BUFFER: a longer word is one whose quote was never closed. */
const WORD_BYTES_MAX = 4096;

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "'": "'", '\\': '\\', t: '\t', r: '\r', n: '\n' };

export class Tokenizer {
  private readonly file: string;
  private readonly text: string;
  private at = 0;
  private line = 1;
  private lineStart = 0;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** The words up to what ends them. Throws an NginxSyntaxError. */
  next(): Run {
    const words: Word[] = [];
    for (;;) {
      this.skipBlank();
      const place = this.place();
      const char = this.text[this.at];
      if (char === undefined) {
        if (words.length > 0) throw this.unexpectedEnd(words[0].place);
        return { words, end: 'end', place };
      }
      if (char === ';' || char === '{') {
        if (words.length === 0) {
          throw new NginxSyntaxError(`unexpected "${char}"`, 'remove it, or write a directive in front of it', place);
        }
        this.at++;
        return { words, end: char, place };
      }
      if (char === '}') {
        if (words.length > 0) {
          const fix = `end \`${words[words.length - 1].text}\` with ";"`;
          throw new NginxSyntaxError('unexpected "}"', fix, place);
        }
        this.at++;
        return { words, end: '}', place };
      }
      words.push(char === '"' || char === "'" ? this.quoted(char) : this.bare());
    }
  }

  /** Spaces and comments. */
  private skipBlank(): void {
    for (;;) {
      const char = this.text[this.at];
      if (char === '#') {
        const end = this.text.indexOf('\n', this.at);
        this.at = end < 0 ? this.text.length : end;
      } else if (char === '\n') {
        this.at++;
        this.line++;
        this.lineStart = this.at;
      } else if (char === ' ' || char === '\t' || char === '\r') {
        this.at++;
      } else {
        return;
      }
    }
  }

  private quoted(quote: string): Word {
    const place = this.place();
    this.at++;
    const text = this.word(place, (char) => char === quote, quote);
    if (this.text[this.at] === undefined) throw this.unexpectedEnd(place);
    this.at++;
    const next = this.text[this.at];
    if (next !== undefined && !' \t\r\n;{)'.includes(next)) {
      const fix = 'write a space or ";" behind the closing quote';
      throw new NginxSyntaxError(`unexpected "${next}"`, fix, this.place());
    }
    return { text, place, isQuoted: true };
  }

  private bare(): Word {
    const place = this.place();
    const text = this.word(place, (char) => ' \t\r\n;{'.includes(char), null);
    if (this.text[this.at] === undefined) throw this.unexpectedEnd(place);
    return { text, place, isQuoted: false };
  }

  /** What is written up to the character that ends it, which stays. */
  private word(place: Place, isEnd: (char: string) => boolean, quote: string | null): string {
    let out = '';
    const start = this.at;
    let isVariable = false;
    for (let isFirst = quote === null; this.at < this.text.length; isFirst = false) {
      if (this.at - start >= WORD_BYTES_MAX) throw this.tooLong(start, place, quote);
      const char = this.text[this.at];
      if (char === '{' && isVariable) {
        // nginx leaves the mark of a variable as it is here.
      } else {
        isVariable = char === '$';
        if (!isFirst && isEnd(char)) return out;
        if (char === '\\') {
          out += this.escape(isFirst);
          continue;
        }
      }
      if (char === '\n') {
        this.line++;
        this.lineStart = this.at + 1;
      }
      out += char;
      this.at++;
    }
    return out;
  }

  /** A backslash and the character that it hides. */
  private escape(isFirst: boolean): string {
    const hidden = this.text[this.at + 1];
    if (isFirst && hidden === undefined) {
      this.at++;
      return '\\';
    }
    this.at += hidden === undefined ? 1 : 2;
    if (hidden === '\n') {
      this.line++;
      this.lineStart = this.at;
    }
    if (hidden === undefined) return '\\';
    return ESCAPES[hidden] ?? `\\${hidden}`;
  }

  private place(): Place {
    return { file: this.file, line: this.line, column: this.at - this.lineStart + 1 };
  }

  private tooLong(start: number, place: Place, quote: string | null): NginxSyntaxError {
    const fix = 'close it, or write less than 4096 characters';
    if (quote !== null) {
      const reason = `too long parameter, probably missing terminating "${quote}" character`;
      return new NginxSyntaxError(reason, fix, place);
    }
    return new NginxSyntaxError(`too long parameter "${this.text.slice(start, start + 10)}..." started`, fix, place);
  }

  private unexpectedEnd(place: Place): NginxSyntaxError {
    const reason = 'unexpected end of file, expecting ";" or "}"';
    return new NginxSyntaxError(reason, 'end this directive with ";", and close its quotes', place);
  }
}
