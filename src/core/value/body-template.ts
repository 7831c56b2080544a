/**
 * A body of the operator's with values of the request in it. A value cannot end the text that it stands in: where the type of
 * the content has a syntax, what is special in it is escaped. As in a header field, a byte that is no visible ASCII is `?`, so
 * that no reading of the characters can make something else of it.
 */
import { encodeUtf8 } from '../../base/text.ts';
import { isMarkup, mediaType } from '../../config/words/media-type.ts';
import { ascii } from '../../wire/http1/classes.ts';
import { emitFragment } from '../../wire/http1/emit.ts';
import type { RequestView } from './request-view.ts';
import { Span } from './span.ts';
import { Template, TEMPLATE_OVERFLOW } from './template.ts';

/** By byte: what is written for it. */
type Escapes = readonly Uint8Array[];

const SPACE = 0x20;
const TILDE = 0x7e;
const PLAIN = escapes(() => null);
/** The last ones end strings of scripts and attributes without quotes. */
const MARKUP = escapes((char) => ('&<>"\'\\`$= '.includes(char) ? `&#${char.charCodeAt(0)};` : null));
/** Of strings in JSON and scripts, also where a page of markup has the script in it. */
const SCRIPT = escapes((char) =>
  '"\\\'`<>&$'.includes(char) ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : null,
);

const span = new Span();

export class BodyTemplate {
  readonly template: Template;
  private readonly escapes: Escapes;

  /** `contentType`: the value of Content-Type. */
  constructor(text: string, contentType: string) {
    this.template = new Template(text, encodeUtf8);
    this.escapes = escapesFor(contentType);
  }

  /** Writes the body for a request at `at`, not past `end`, and returns the offset behind it or TEMPLATE_OVERFLOW. */
  emit(view: RequestView, out: Uint8Array, at: number, end: number): number {
    for (const part of this.template.parts) {
      if (part instanceof Uint8Array) {
        if (at + part.length > end) return TEMPLATE_OVERFLOW;
        at = emitFragment(out, at, part);
        continue;
      }
      part.find(view, span);
      for (let i = span.at; i < span.end; i++) {
        const escaped = this.escapes[span.bytes[i]];
        if (at + escaped.length > end) return TEMPLATE_OVERFLOW;
        at = emitFragment(out, at, escaped);
      }
    }
    return at;
  }
}

function escapesFor(contentType: string): Escapes {
  if (isMarkup(contentType)) return MARKUP;
  return /json|javascript|ecmascript|jscript|livescript/.test(mediaType(contentType)) ? SCRIPT : PLAIN;
}

function escapes(special: (char: string) => string | null): Escapes {
  return Array.from({ length: 256 }, (_, byte) => {
    const char = byte >= SPACE && byte <= TILDE ? String.fromCharCode(byte) : '?';
    return ascii(special(char) ?? char);
  });
}
