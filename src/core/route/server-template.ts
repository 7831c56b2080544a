/**
 * The text of a request that says where it goes, made of what is written and of values. Where a host is written with values in it, a
 * value may bring a part of a host only: it cannot end the host and choose another one, a port or a path.
 */
import { parseTemplate } from '../../config/words/template.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { RequestView } from '../value/request-view.ts';
import { Span } from '../value/span.ts';
import { Template } from '../value/template.ts';

const DOT = 0x2e;
const DASH = 0x2d;
const UNDERSCORE = 0x5f;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const COLON = 0x3a;
const span = new Span();

export class ServerTemplate {
  private readonly template: Template;
  /** The parts in front of this one are host and port, and their values are looked at. */
  private readonly guarded: number;

  /** `isLoose`: values may bring anything. So may one that is all of the text. */
  constructor(text: string, isLoose: boolean) {
    this.template = new Template(text, encodeUtf8);
    this.guarded = isLoose || parseTemplate(text).length === 1 ? 0 : authorityEnd(this.template.parts);
  }

  /** Writes it to `out` and returns its length, or -1: there is no room, or a value is no part of a host. */
  write(view: RequestView, out: Uint8Array): number {
    const { parts } = this.template;
    for (let k = 0; k < this.guarded; k++) {
      const part = parts[k];
      if (part instanceof Uint8Array) continue;
      part.find(view, span);
      if (!isOfHost(span)) return -1;
    }
    return this.template.emitAsIs(view, out, 0);
  }
}

/** The number of the part that has the end of host and port in it. */
function authorityEnd(parts: Template['parts']): number {
  for (let k = 0; k < parts.length; k++) {
    const part = parts[k];
    if (!(part instanceof Uint8Array)) continue;
    for (let i = 0; i < part.length; i++) {
      const isScheme = k === 0 && part[i] === SLASH && part[i - 1] === COLON && part[i + 1] === SLASH;
      if (isScheme) i++;
      else if (part[i] === SLASH || part[i] === QUESTION) return k;
    }
  }
  return parts.length;
}

function isOfHost({ bytes, at, length }: Span): boolean {
  for (let i = at; i < at + length; i++) {
    const byte = bytes[i];
    const letter = byte | 0x20;
    const isWord = (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === UNDERSCORE;
    if (!isWord && byte !== DOT && byte !== DASH) return false;
  }
  return true;
}
