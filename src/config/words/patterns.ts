/**
 * The small languages inside a configuration: host and path patterns, regular expressions, header fields, methods, status
 * ranges, placeholders. Each function says what is wrong with a text, or null; the few that also convert return the value.
 */
import { parseIPv4, parseIPv6 } from '../../base/address.ts';
import { checkRegexText } from '../../base/regex/regex.ts';
import { isHostname } from './addresses.ts';
import type { Parsed, Problem } from '../findings/diagnostic.ts';
import { parsed, problem, refused, show } from '../findings/diagnostic.ts';
import { checkTemplate } from './template.ts';

/** Names of listeners, upstreams, nodes, virtual routers. They appear in logs, metrics and URLs. */
export const NAME_PATTERN = '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$';
const NAME = new RegExp(NAME_PATTERN);

export function checkName(text: string): Problem | null {
  return NAME.test(text) ? null : problem('bad-name', { value: show(text) });
}

/** `shop.example`, `*.shop.example`, `192.0.2.1` or `[2001:db8::1]`, without port. */
/** RFC 1035, section 2.3.4; any characters, as in `_sip._udp`. `.` is the root. */
export function checkDnsName(text: string): Problem | null {
  const labels = text === '.' ? [] : text.replace(/\.$/, '').split('.');
  const isRight = text.length <= 253 && labels.every((label) => /^[!-~]{1,63}$/.test(label));
  const fix = 'write a name that the server knows, for example health.example';
  return isRight ? null : problem('bad-dns-name', { value: show(text), fix });
}

export function checkHost(text: string): Problem | null {
  const bad = (fix: string): Problem => problem('bad-host', { value: show(text), fix });
  if (text === '*' || text === '') return bad('leave `host` out to match every host');
  const url = /^[a-z]+:\/\/([^/:]*)/.exec(text);
  if (url !== null) return bad(`write the name alone: ${url[1]}`);
  const names = text.split(/[\s,]+/).map((name) => name.replace(/^["']|["']$/g, ''));
  if (names.length > 1) {
    const areRight = names.every((name) => checkHost(name) === null);
    return bad(
      areRight ? `write [ ${names.map((name) => `"${name}"`).join(', ')} ]` : 'write one name, without spaces',
    );
  }
  if (parseIPv4(text) !== null) return null;
  if (text.startsWith('[')) {
    return text.endsWith(']') && parseIPv6(text.slice(1, -1)) !== null
      ? null
      : bad('write for example "[2001:db8::1]"');
  }
  if (parseIPv6(text) !== null) return bad(`write "[${text}]", in brackets as in a Host field`);
  const port = /^(.*):[0-9]*$/.exec(text);
  if (port !== null) return bad(`write it without the port: ${port[1]}`);
  const name = text.startsWith('*.') ? text.slice(2) : text;
  if (name.includes('*')) {
    return bad(
      'a `*` stands for the first labels only; write "*.shop.example", or use match.header with a regex on Host',
    );
  }
  if (name.endsWith('.')) return bad(`write it without the last dot: ${text.slice(0, -1)}`);
  // oxlint-disable-next-line no-control-regex -- everything that is not ASCII
  if (/[^\u0000-\u007f]/.test(name)) return bad('write the ASCII form that browsers send, which begins with xn--');
  return isHostname(name) ? null : bad('write a name such as shop.example or "*.shop.example"');
}

/**
 * A path to compare with, or the beginning of one: `/`, `/api/`. Requests are compared in normal form (escapes decoded, `//`
 * one `/`, dot segments resolved), so that a path which is not in it would never match.
 */
export function checkPath(text: string): Problem | null {
  const bad = (fix: string): Problem => problem('bad-path', { value: show(text), fix });
  const regex = /^~\*?\s*(\S+)$/.exec(text)?.[1] ?? (/^\^|\.\*|\$$/.test(text) ? text : null);
  if (regex !== null)
    return bad(`a string is a prefix; for a regular expression write { regex: ${JSON.stringify(regex)} }`);
  const glob = /^(\/[^*?]*)\*$/.exec(text);
  if (glob !== null) return bad(`a path has no wildcards, and a string is a prefix: write ${glob[1]}`);
  if (text.includes('*')) return bad('a path has no wildcards: a string is a prefix; for more write { regex: ... }');
  const found = checkRewrittenPath(text);
  if (found !== null) return found;
  if (text.includes('//')) return bad(`write ${text.replace(/\/+/g, '/')}: several / in a row are one`);
  if (/\/\.{1,2}\//.test(text)) return bad('leave /./ and /../ out: they are resolved before');
  return null;
}

/** A path to send: `/`, `/v2/`. The query of the request follows it. */
export function checkRewrittenPath(text: string): Problem | null {
  const bad = (fix: string): Problem => problem('bad-path', { value: show(text), fix });
  const url = /^https?:\/\/[^/]*(\/.*)?$/.exec(text);
  if (url !== null) return bad(`write the path alone: ${url[1] ?? '/'}`);
  if (!text.startsWith('/')) return bad(/^[\w.~-]+[\w./~-]*$/.test(text) ? `write /${text}` : 'begin it with /');
  const query = text.indexOf('?');
  if (query >= 0) return bad(`write ${text.slice(0, query)}: the query is not part of the path`);
  if (text.includes('#')) return bad('leave out the fragment: clients do not send it');
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) return bad('leave out control characters');
  return /%(?![0-9A-Fa-f]{2})/.test(text) ? bad('write two hexadecimal digits after %, or %25 for it') : null;
}

/** What a health check asks for: a path and, if wanted, a query, as they are sent (RFC 9112 section 3.2.1). */
export function checkTarget(text: string): Problem | null {
  const bad = (fix: string): Problem => problem('bad-path', { value: show(text), fix });
  const url = /^https?:\/\/[^/]*(\/.*)?$/.exec(text);
  if (url !== null) return bad(`write the path alone: ${url[1] ?? '/'}`);
  if (!text.startsWith('/')) return bad(/^[\w.~-]+[\w./~-]*$/.test(text) ? `write /${text}` : 'begin it with /');
  return /^[\u0021-\u0022\u0024-\u007e]+$/.test(text)
    ? null
    : bad('percent-encode spaces and what is not ASCII; leave # out');
}

/**
 * Expressions that were found right: of the last so many, and of those before them. To find it out is to build the automaton; a reload has
 * nearly all of them again.
 */
const RIGHT_MAX = 4096;
let right = new Set<string>();
let rightBefore = new Set<string>();

/** A regular expression as `base/regex` has it. `captures`: something is made of what its groups match. */
export function checkRegex(text: string, captures = false): Problem | null {
  const key = `${captures} ${text}`;
  if (right.has(key)) return null;
  const found = rightBefore.has(key) ? null : checkRegexText(text, captures);
  if (found === null) {
    if (right.size === RIGHT_MAX) [right, rightBefore] = [new Set(), right];
    right.add(key);
    return null;
  }
  const { reason, fix, isCostly } = found;
  return problem(isCostly ? 'costly-regex' : 'bad-regex', { value: show(text), reason, fix });
}

/** Escapes, and groups of characters that have small letters as well. */
const NO_CAPITALS =
  /\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|c[A-Z]|.)|\(\?<\w+>|\[(?:[^\]\\]|\\.)*[a-z](?:[^\]\\]|\\.)*\]/gs;

/** Names of hosts are in small letters by then. */
export function checkHostRegex(text: string): Problem | null {
  const found = checkRegex(text);
  if (found !== null) return found;
  const letter = /[A-Z]/.exec(text.replace(NO_CAPITALS, ''))?.[0];
  if (letter === undefined) return null;
  return problem('capital-in-host', { letter, value: show(text), fix: letter.toLowerCase() });
}

/** RFC 9110 section 5.6.2. */
export const TOKEN_PATTERN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";
const TOKEN = new RegExp(TOKEN_PATTERN);

/** Methods are case-sensitive (RFC 9110 section 9.1); every registered one is upper-case. */
export const METHOD_PATTERN = '^[A-Z][A-Z0-9_-]{0,31}$';
const METHOD = new RegExp(METHOD_PATTERN);

export function checkMethod(text: string): Problem | null {
  if (METHOD.test(text)) return null;
  const upper = text.toUpperCase();
  return problem('bad-method', {
    value: show(text),
    fix: METHOD.test(upper) ? `write ${upper}` : 'write for example GET',
  });
}

/** A server's answer to HEAD has no body, and none to CONNECT is a response: what asked for something else would wait for it. */
export function checkSentMethod(text: string): Problem | null {
  if (text !== 'HEAD' && text !== 'CONNECT') return checkMethod(text);
  return problem('bad-method', { value: show(text), fix: 'write one whose response has a body, as GET' });
}

/** RFC 9110 section 8.3.1, without parameters; or `*`. */
export function checkMediaType(text: string): Problem | null {
  const [type, subtype, more] = text.split('/');
  const isType = TOKEN.test(type) && subtype !== undefined && TOKEN.test(subtype) && more === undefined;
  return isType || text === '*' ? null : problem('bad-media-type', { value: show(text) });
}

export function checkHeaderName(text: string): Problem | null {
  if (TOKEN.test(text)) return null;
  const pair = /^([\w-]+)\s*[ =]\s*(\S.*)$/.exec(text);
  if (pair !== null) return problem('bad-header-name', { value: show(text), fix: `write \`${pair[1]}: ${pair[2]}\`` });
  const trimmed = text.replace(/:$/, '');
  const fix = TOKEN.test(trimmed) ? `write ${trimmed}` : 'write letters, digits and -, for example X-Env';
  return problem('bad-header-name', { value: show(text), fix });
}

/**
 * Fields that say where a message ends or how a connection is used. They are the proxy's own: one that a configuration set
 * would contradict the bytes that follow (RFC 9112 section 6.3).
 */
const FRAMING_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function isFramingHeader(name: string): boolean {
  return FRAMING_HEADERS.has(name.toLowerCase());
}

/** RFC 9110 section 5.5: visible characters, spaces and tabs inside; as bytes, so Latin-1 at most. */
export function checkHeaderValue(text: string): Problem | null {
  const bad = (fix: string): Problem => problem('bad-header-value', { value: show(text), fix });
  if (/[\r\n]/.test(text)) return bad('write it on one line');
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(text)) return bad('leave out control characters');
  if (/[^\t\u0020-\u00ff]/.test(text)) return bad('write ASCII characters only');
  return text.trim() === text ? null : bad('leave out the space at its ends');
}

/** `200` or `200-299`: an inclusive range of status codes. */
export function parseStatusRange(text: string): Parsed<readonly [number, number]> {
  const match = /^([0-9]{3})(?:-([0-9]{3}))?$/.exec(text);
  if (match !== null) {
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    if (from >= 100 && to <= 599 && from <= to) return parsed([from, to]);
  }
  const short = /^([1-5])xx$/i.exec(text);
  const fix = short === null ? 'write 200, "200-299" or a list of them' : `write "${short[1]}00-${short[1]}99"`;
  return refused('bad-status-range', { value: show(text), fix });
}

/** A value with values of the request in it. */
export function checkHeaderTemplate(text: string): Problem | null {
  return checkTemplate(text) ?? checkHeaderValue(text);
}

/** The same in a response, with what is known of that. */
export function checkResponseTemplate(text: string): Problem | null {
  return checkTemplate(text, 'response') ?? checkHeaderValue(text);
}

/** `/new`, `https://shop.example{uri}`: text with values of the request in it. */
export function checkRedirectTarget(text: string): Problem | null {
  const bad = (fix: string): Problem => problem('bad-redirect', { value: show(text), fix });
  const found = checkTemplate(text);
  if (found !== null) return found;
  if (/\$[0-9a-z_]/i.test(text)) return bad('use {host}, {path}, {query} or {uri} where nginx has $host, $request_uri');
  if (/^https?:(?!\/\/.)/i.test(text)) return bad('write a host behind //');
  if (/[^\u0021-\u007e]/.test(text)) return bad('percent-encode what is not ASCII, and spaces');
  return null;
}

/** Where a client that resolves it ends up depends on the path of its request (RFC 3986 section 5.2). */
export function isRelativeTarget(text: string): boolean {
  return !/^(\/|\{|\?|[a-z][a-z0-9+.-]*:)/i.test(text);
}

/** `12.5%`: up to two digits behind the point. */
export function checkShare(text: string): Problem | null {
  const percent = Number(/^([0-9]{1,3}(?:\.[0-9]{1,2})?)%$/.exec(text)?.[1] ?? '-1');
  return percent > 0 && percent <= 100 ? null : problem('bad-share', { value: show(text) });
}

export function checkVariableName(text: string): Problem | null {
  return /^[A-Za-z_][A-Za-z0-9_-]{0,127}$/.test(text) ? null : problem('bad-variable', { value: show(text) });
}

/** Linux's IFNAMSIZ: 15 bytes without `/` and white space. */
export function checkInterface(text: string): Problem | null {
  return /^[^\s/:]{1,15}$/.test(text) && text !== '.' && text !== '..'
    ? null
    : problem('bad-interface', { value: show(text) });
}

/** The name that a client asks a certificate for: RFC 6066 section 3 has no addresses. */
export function checkCertificateName(text: string): Problem | null {
  const found = checkHost(text);
  if (found !== null) return found;
  const isAddress = parseIPv4(text) !== null || text.startsWith('[');
  return isAddress
    ? problem('bad-host', { value: show(text), fix: 'leave it out: clients ask for no certificate of an address' })
    : null;
}

/** Of a certificate for whoever asks for no name that another is for, or for none. */
export const ANY_NAME = '*';

export function checkServedName(name: string): Problem | null {
  return name === ANY_NAME ? null : checkCertificateName(name);
}

/** Whom a server's certificate has to be for: a name or a bare address. */
export function checkVerifiedName(text: string): Problem | null {
  if (parseIPv4(text) !== null || parseIPv6(text) !== null) return null;
  const isBracketed = text.startsWith('[') && text.endsWith(']');
  const fix = isBracketed ? `write "${text.slice(1, -1)}"` : 'write the one name';
  if (isBracketed || text.startsWith('*')) return problem('bad-host', { value: show(text), fix });
  return checkHost(text);
}

export function checkFilePath(text: string): Problem | null {
  if (text === '') return problem('empty-text', {});
  if (text.startsWith('-----BEGIN')) {
    return problem('bad-path-of-file', {
      value: 'a text in PEM',
      fix: 'write it to a file, and the path of that here',
    });
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\u0000-\u001f]/.test(text)
    ? problem('bad-path-of-file', { value: show(text), fix: 'write a path, for example /etc/evenkeel/tls/site.pem' })
    : null;
}

export function checkAbsolutePath(text: string): Problem | null {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /^\/[^\u0000-\u001f]*$/.test(text) ? null : problem('bad-file', { value: show(text) });
}
