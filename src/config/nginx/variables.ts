/** Texts of nginx.conf with variables in them as templates of the model. */
import { parseProxyTlv } from '../words/proxy-tlv.ts';
import { CONNECTION_SOURCES, parseLate, parseTemplate } from '../words/template.ts';
import { LOG_VARIABLES, RESPONSE_VARIABLES, VARIABLES } from './table-variables.ts';

const SOURCES: ReadonlyMap<string, string> = new Map(
  VARIABLES.flatMap(([names, value]) => (value === null ? [] : names.split(' ').map((name) => [name, value] as const))),
);
const OF_RESPONSES: ReadonlyMap<string, string> = new Map(
  RESPONSE_VARIABLES.flatMap(([names, value]) => names.split(' ').map((name) => [name, value ?? ''] as const)),
);
const MISSING: ReadonlyMap<string, string> = new Map(
  VARIABLES.flatMap(([names, value, note]) =>
    value === null ? names.split(' ').map((name) => [name, note.replaceAll('**', '')] as const) : [],
  ),
);

const OF_LOGS: ReadonlySet<string> = new Set(LOG_VARIABLES.flatMap(([names]) => names.split(' ')));

/** What is known when the file is read, and the variables that it makes itself: by name, a template. */
export type Constants = ReadonlyMap<string, string>;

export interface TextPart {
  /** Null: literal text. */
  readonly variable: string | null;
  readonly text: string;
}

/** `$name`, `${name}` and what stands between them; null: a `$` without a name, which nginx refuses. */
export function splitVariables(text: string): readonly TextPart[] | null {
  const parts: TextPart[] = [];
  const pattern = /\$(?:\{(\w+)\}|([1-9]|\w+))?/g;
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    const name = match[1] ?? match[2];
    if (name === undefined) return null;
    if (match.index > from) parts.push({ variable: null, text: text.slice(from, match.index) });
    parts.push({ variable: name, text: match[0] });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ variable: null, text: text.slice(from) });
  return parts;
}

export function hasVariables(text: string): boolean {
  return splitVariables(text)?.some(({ variable }) => variable !== null) !== false;
}

/** What is known where a text is read. */
export type TextPlace = 'request' | 'response' | 'connection';

export type Translated =
  | { readonly template: string }
  /** `isOfEnd`: an access log could have it, in nginx. */
  | { readonly problem: string; readonly isOfEnd?: boolean };

/** `place`: what is known where the text is read. */
export function translateText(text: string, constants: Constants, place: TextPlace = 'request'): Translated {
  const parts = splitVariables(text);
  if (parts === null) return { problem: 'a `$` has no name behind it' };
  let template = '';
  for (const { variable, text: literal } of parts) {
    if (variable === null) {
      const isLate = place === 'response' && parseLate(literal, true).some((part) => typeof part !== 'string');
      if (isLate || parseTemplate(literal).some((part) => typeof part !== 'string')) {
        return {
          problem: `\`${literal}\` has a word in braces that is a value here, and cannot be written as text yet`,
        };
      }
      template += literal;
      continue;
    }
    const source = sourceOf(variable, constants) ?? (place === 'response' ? lateSourceOf(variable) : null);
    if (source === null) return { problem: missing(variable), isOfEnd: OF_LOGS.has(variable) };
    if (place === 'connection' && !isOfConnection(source))
      return { problem: `the variable $${variable} is known of a request alone` };
    template += source;
  }
  return { template };
}

export function isOfConnection(template: string): boolean {
  return parseTemplate(template).every((part) => typeof part === 'string' || CONNECTION_SOURCES.has(part.kind));
}

export function missing(variable: string): string {
  if (lateSourceOf(variable) !== null)
    return `$${variable} is known when the response comes: it can only be in \`add_header\` and in what replaces a part of a field`;
  if (OF_LOGS.has(variable)) return `$${variable} is known when the request is over: it can only be in \`log_format\``;
  const why = MISSING.get(variable);
  return why === undefined
    ? `the variable $${variable} is not there yet, or is misspelt`
    : `the variable $${variable} is not there yet: ${why}`;
}

/** A template of one value, or text; null: it is not there yet. */
export function sourceOf(variable: string, constants: Constants): string | null {
  const known = constants.get(variable) ?? SOURCES.get(variable);
  if (known !== undefined) return known;
  if (/^[1-9]$/.test(variable)) return `{capture:${variable}}`;
  const tlv = /^proxy_protocol_tlv_(\w+)$/.exec(variable);
  if (tlv !== null) return tlvSource(tlv[1]);
  const named = /^(http|cookie|arg)_(\w+)$/.exec(variable);
  if (named === null) return null;
  if (named[1] === 'http') return `{header:${fieldName(named[2])}}`;
  return named[1] === 'cookie' ? `{cookie:${named[2]}}` : `{query:${named[2]}}`;
}

/** `ssl_cn`, `0x000ea`; null: there is no such thing. */
function tlvSource(name: string): string | null {
  const plain = name.replaceAll('_', '-').replace(/0x0*(?=[0-9a-f])/i, '0x');
  return parseProxyTlv(plain) === null ? null : `{proxy-tlv:${plain}}`;
}

/** What only the response knows; null: it is not there yet. */
function lateSourceOf(variable: string): string | null {
  const named = /^(?:upstream|sent)_http_(\w+)$/.exec(variable);
  return named === null ? (OF_RESPONSES.get(variable) ?? null) : `{response:${fieldName(named[1])}}`;
}

/** `x_forwarded_proto` is X-Forwarded-Proto. */
export function fieldName(variable: string): string {
  return variable
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('-');
}
