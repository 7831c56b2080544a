/**
 * The kinds of value that the model is made of, as zod schemas: what each is called, how it looks, and the check that finds
 * a problem of the catalogue. A schema's meta is what the JSON Schema, the reference page and the error messages say about it.
 */
import * as z from 'zod';
import {
  parseBind,
  parseCidr,
  parseHttpUrl,
  parseIp,
  parseNameServer,
  parseNetwork,
  parseServer,
  UNIX,
  isHostname,
} from '../words/addresses.ts';
import type { Problem } from '../findings/diagnostic.ts';
import { problem, show } from '../findings/diagnostic.ts';
import {
  checkAbsolutePath,
  checkCertificateName,
  checkFilePath,
  checkHeaderName,
  checkHeaderTemplate,
  checkHeaderValue,
  checkDnsName,
  checkHost,
  checkHostRegex,
  checkInterface,
  checkMediaType,
  checkMethod,
  checkSentMethod,
  checkName,
  checkPath,
  checkRedirectTarget,
  checkServedName,
  checkRegex,
  checkResponseTemplate,
  checkRewrittenPath,
  checkShare,
  checkTarget,
  checkVariableName,
  checkVerifiedName,
  METHOD_PATTERN,
  NAME_PATTERN,
  parseStatusRange,
  TOKEN_PATTERN,
} from '../words/patterns.ts';
import { checkTemplate, type TemplatePlace } from '../words/template.ts';
import {
  DURATION_PATTERN,
  formatDuration,
  formatSize,
  parseDuration,
  parseRate,
  parseSize,
  SIZE_PATTERN,
  suggestDuration,
  suggestSize,
} from '../words/units.ts';

/** What is known about a schema besides its type. */
export interface Meta {
  /** What such a value is called: `duration`. */
  readonly title?: string;
  /** One sentence or two for the reference page. On keys. */
  readonly description?: string;
  /** As written in YAML. On keys. */
  readonly default?: unknown;
  /** Allowed values in words: `1ms to 1h`. */
  readonly range?: string;
  readonly examples?: readonly unknown[];
  /** Also a map of node names to such values. */
  readonly perNode?: boolean;
}

/** A key that may be left out. */
export function key<S extends z.ZodType>(
  schema: S,
  description: string,
  defaultValue?: unknown,
): z.ZodExactOptional<S> {
  const meta = defaultValue === undefined ? { description } : { description, default: defaultValue };
  return schema.meta(meta).exactOptional();
}

/** A key that must be there. `example` goes into the message that misses it. */
export function required<S extends z.ZodType>(schema: S, description: string, example?: unknown): S {
  return schema.meta(example === undefined ? { description } : { description, examples: [example] });
}

/** A string with a grammar. `check` gets strings only. */
function text(title: string, example: string, check: (value: string) => Problem | null, pattern?: string): z.ZodString {
  return z
    .string()
    .check((context) => {
      const found = check(context.value);
      if (found !== null) context.issues.push({ code: 'custom', input: context.value, params: found });
    })
    .meta({ title, examples: [example], ...(pattern === undefined ? {} : { pattern }) });
}

/** Any text; `title` says what it is. */
export function anyText(title: string, example: string): z.ZodString {
  return text(title, example, (value) => (value === '' ? problem('empty-text', {}) : null));
}

/** Of ALPN (RFC 7301): what a list of them can have. */
export const alpnProtocol = text('protocol (ALPN)', 'acme-tls/1', (value) =>
  /^[!-~]{1,255}$/.test(value) ? null : problem('alpn-protocol', { value: show(value) }),
);

/** The range is inclusive. */
export function duration(min: string, max: string): z.ZodString {
  const minMs = parseDuration(min) ?? 0;
  const maxMs = parseDuration(max) ?? 0;
  const example = formatDuration(Math.min(Math.max(10_000, minMs), maxMs));
  const check = (value: string): Problem | null => {
    const ms = parseDuration(value);
    if (ms === null) {
      const suggestion = suggestDuration(value);
      const fix =
        suggestion === null ? `write a number and ms, s, m or h, for example ${example}` : `write ${suggestion}`;
      return problem('bad-duration', { value: show(value), fix });
    }
    if (ms >= minMs && ms <= maxMs) return null;
    return problem('out-of-range', { value: show(value), kind: 'a duration', min, max });
  };
  return text('duration', example, check, DURATION_PATTERN).meta({ range: `${min} to ${max}` });
}

/** The range is inclusive, in bytes. */
export function size(minBytes: number, maxBytes: number): Size {
  return sizeOf(minBytes, maxBytes, false);
}

type Size = z.ZodUnion<readonly [z.ZodString, z.ZodNumber]>;

/** `takesValues`: or a text with values of the request that says one. */
function sizeOf(minBytes: number, maxBytes: number, takesValues: boolean): Size {
  const min = formatSize(minBytes);
  const max = formatSize(maxBytes);
  const checkBytes = (value: unknown, bytes: number): Problem | null =>
    bytes >= minBytes && bytes <= maxBytes
      ? null
      : problem('out-of-range', { value: show(value), kind: 'a size', min, max });
  const check = (value: string): Problem | null => {
    const bytes = parseSize(value);
    if (bytes !== null) return checkBytes(value, bytes);
    if (takesValues && value.includes('{')) return checkTemplate(value, 'request');
    const suggestion = suggestSize(value);
    const fix =
      suggestion === null
        ? 'write bytes, or a number and KiB, MiB, GiB or TiB, for example 16KiB'
        : `write ${suggestion}`;
    return problem('bad-size', { value: show(value), fix });
  };
  const bytes = z.number().check((context) => {
    const value = context.value;
    const found = Number.isSafeInteger(value)
      ? checkBytes(value, value)
      : problem('bad-size', { value: show(value), fix: 'write whole bytes, or a number and KiB, MiB, GiB or TiB' });
    if (found !== null) context.issues.push({ code: 'custom', input: value, params: found });
  });
  return z
    .union([text('size', '16KiB', check, takesValues ? undefined : SIZE_PATTERN), bytes])
    .meta({ title: 'size', range: `${min} to ${max}`, examples: ['16KiB'] });
}

/** A size, or a text with values that says one. */
export const sizeOrValue = sizeOf(0, 2 ** 40, true);

/** A whole number in an inclusive range. */
export function integer(min: number, max: number): z.ZodNumber {
  return z
    .int()
    .min(min)
    .max(max)
    .meta({ title: 'whole number', range: `${min} to ${max}`, examples: [min] });
}

export function fraction(min: number, max: number): z.ZodNumber {
  return z
    .number()
    .min(min)
    .max(max)
    .meta({ title: 'number', range: `${min} to ${max}`, examples: [max] });
}

export const flag = z.boolean().meta({ examples: [true] });

export const name = text('name', 'web', checkName, NAME_PATTERN);
/** `mysql: true` does not ask for a user called true. */
export const databaseUser = text('database user', 'evenkeel', (value) =>
  value === 'true' ? problem('bad-name', { value: show(value) }) : checkName(value),
);
/** A protobuf name of a service, or nothing. */
export const grpcService = text('service of gRPC', 'shop.Cart', (value) =>
  /^[\w.]{0,255}$/.test(value) ? null : problem('bad-name', { value: show(value) }),
);
export const dnsName = text('name in the DNS', 'health.example', checkDnsName);
export const bind = text('address to listen on', '*:80', (value) => parseBind(value).problem);
export const server = text('server address', '192.0.2.1:80', (value) => parseServer(value).problem);
export const nameServer = text('address of a name server', '192.0.2.53', (value) => parseNameServer(value).problem);
export const host = text('host pattern', 'shop.example', checkHost);
export const path = text('path', '/api/', checkPath);
export const rewrittenPath = text('path', '/v2/', checkRewrittenPath);
export const target = text('path', '/healthz', checkTarget);
export const regex = text('regular expression', '^/a/[0-9]+$', (value) => checkRegex(value));
export const hostRegex = text('regular expression', '^www[0-9]+\\.', checkHostRegex);
export const capturingRegex = text('regular expression', '^/a/([0-9]+)$', (value) => checkRegex(value, true));
export const method = text('method', 'GET', checkMethod, METHOD_PATTERN);
export const sentMethod = text('method', 'POST', checkSentMethod, METHOD_PATTERN);
export const headerName = text('header name', 'X-Env', checkHeaderName, TOKEN_PATTERN);
export const mediaType = text('media type', 'text/css', checkMediaType);
export const headerValue = text('header value', 'prod', checkHeaderValue);
export const headerTemplate = text('header value', 'prod', checkHeaderTemplate);
export const bodyTemplate = text('text', 'pong\n', (value) => checkTemplate(value, 'body'));
export const responseTemplate = text('header value', 'prod', checkResponseTemplate);
export const template = templateOf('request', '{header:User-Agent}');
/** Of a map: of what a response says, too. */
export const mapTemplate = templateOf('response', '{header:User-Agent}');
export const logTemplate = templateOf('log', '{client} {status} {reason}');
export const share = text('share', '12.5%', checkShare);
export const variableName = text('name of a value', 'backend', checkVariableName);
export const steppedTarget = text('target', '/v2/{capture:1}', checkHeaderTemplate);
export const trustedNetwork = text('network, address or `unix`', '10.0.0.0/8', (value) =>
  value === UNIX ? null : parseNetwork(value).problem,
);
export const network = text('network', '10.0.0.0/8', (value) => parseNetwork(value, '').problem);
export const redirectTarget = text('target of a redirect', '/new', checkRedirectTarget);
export const cidr = text('address with prefix length', '192.0.2.3/24', (value) => parseCidr(value).problem);
export const ip = text('IP address', '192.0.2.1', (value) => parseIp(value).problem);
export const networkInterface = text('network interface', 'eth0', checkInterface);
export const origin = text('origin', 'https://app.example', (value) =>
  value === '*' || /^[a-z][a-z0-9+.-]*:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?$/.test(value)
    ? null
    : problem('bad-origin', { value: show(value) }),
);
export const collectorUrl = text('URL', 'http://127.0.0.1:4318/v1/traces', (value) =>
  isHttpUrl(value) ? null : problem('bad-collector', { value: show(value) }),
);
export const listUrl = text('URL', 'http://192.0.2.80/servers.json', (value) =>
  isHttpUrl(value) ? null : problem('bad-list-url', { value: show(value) }),
);
export const keysPlace = text('path of a file, or URL', 'https://sso.example/keys', (value) => {
  if (!/^https?:/.test(value)) return checkFilePath(value);
  return isHttpUrl(value) ? null : problem('bad-keys-url', { value: show(value) });
});
export const etcdUrl = text('URL', 'https://192.0.2.21:2379', (value) =>
  isHttpUrl(`${value}/`) && /:\d+$/.test(value) ? null : problem('bad-etcd-url', { value: show(value) }),
);
export const httpsOrigin = text('URL', 'https://192.0.2.31:6443', (value) =>
  /^https:\/\/[^/?#@\s]+$/.test(value) ? null : problem('bad-https-origin', { value: show(value) }),
);
export const kubernetesName = text('name', 'web', (value) =>
  /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/.test(value) ? null : problem('bad-kubernetes-name', { value: show(value) }),
);
export const httpsUrl = text('URL', 'https://ca.example/directory', (value) =>
  /^https:\/\/[^/?#@\s]+\/[\u0021-\u007e]*$/.test(value) ? null : problem('bad-https-url', { value: show(value) }),
);
export const addressLabel = text('label of an address', 'eth0:1', (value) =>
  /^\S{1,15}$/.test(value) ? null : problem('bad-address-label', { value: show(value) }),
);
export const httpUrl = text('URL', 'http://192.0.2.80/', (value) => parseHttpUrl(value).problem);
export const filePath = text('path of a file', '/etc/evenkeel/tls/site.pem', checkFilePath);
export const verifiedName = text('host name or IP address', 'shop.example', checkVerifiedName);
export const fingerprint = text('fingerprint', 'sha256:QmFzZTY0LW9mLWEtaGFzaC1vZi00My1jaGFyYWN0ZXI', (value) =>
  /^sha256:[A-Za-z0-9_-]{43}$/.test(value) ? null : problem('bad-fingerprint', { value: show(value) }),
);
export const certificateName = text('host name', 'shop.example', checkCertificateName);
export const servedName = text('host name or `*`', 'shop.example', checkServedName);
export const fileName = text('name of a file', 'index.html', (value) =>
  /^[^/\0]+$/.test(value) && value !== '..' ? null : problem('bad-file-name', { value: show(value) }),
);
export const syslogServer = text('address of a syslog server', '192.0.2.1:514', (value) => {
  const { problem: found, value: server } = parseServer(value);
  if (found !== null) return found;
  const isWhole = server.hasPort && !('hostname' in server.target);
  return isWhole
    ? null
    : problem('bad-server', { value: show(value), fix: 'write an address with its port: "192.0.2.1:514"' });
});
export const syslogTag = text('tag', 'evenkeel', (value) =>
  /^[!-9;-Z\\^-~]{1,48}$/.test(value) ? null : problem('bad-syslog-tag', { value: show(value) }),
);
export const cookieName = text('name of a cookie', 'server', (value) =>
  new RegExp(TOKEN_PATTERN).test(value) ? null : problem('bad-cookie-name', { value: show(value) }),
);
export const cookieSameSite = text('`strict`, `lax`, `none` or empty', 'lax', (value) => {
  const isKnown = /^(?:strict|lax|none|)$/.test(value) || /\{[a-z][a-z-]*(?::[^{}]*)?\}/.test(value);
  return isKnown ? checkTemplate(value) : problem('bad-same-site', { value: show(value) });
});
export const rate = text('rate', '10/s', (value) =>
  parseRate(value) === null ? problem('bad-rate', { value: show(value) }) : null,
);
export const stickyId = text('identifier', 'node1', (value) =>
  /^[!#-+\--:<-[\]-~]{1,128}$/.test(value) ? null : problem('bad-server-id', { value: show(value) }),
);
export const serviceName = text('name of a service', '_http._tcp', (value) =>
  isHostname(value) ? null : problem('bad-service-name', { value: show(value) }),
);
export const stickyMark = text('character', '.', (value) =>
  /^[!-~]$/.test(value) ? null : problem('bad-mark', { value: show(value) }),
);
export const absolutePath = text('absolute path', '/etc/evenkeel/on-active.sh', checkAbsolutePath);

/** One status code, or a range as text. */
export const statusRange = z
  .union([text('status range', '200-299', (value) => parseStatusRange(value).problem), integer(100, 599)])
  .meta({ title: 'status or range of status codes', examples: [200] });

function templateOf(place: TemplatePlace, example: string): z.ZodString {
  return z
    .string()
    .check((context) => {
      const found = checkTemplate(context.value, place);
      if (found !== null) context.issues.push({ code: 'custom', input: context.value, params: found });
    })
    .meta({ title: 'text', examples: [example] });
}

export function oneOrMany<S extends z.ZodType>(schema: S): z.ZodUnion<readonly [S, z.ZodArray<S>]> {
  const meta = schema.meta() as Meta | undefined;
  const many = z.array(schema).min(1);
  return z.union([schema, many]).meta({ examples: meta?.examples });
}

export const command = z
  .array(anyText('argument', '/etc/evenkeel/check.sh'))
  .min(1)
  .meta({ title: 'command as a list of its arguments' });

/** Who runs a program of the operator's. */
export const programUser = key(
  oneOrMany(anyText('user name', 'root')),
  'Who runs it, if evenkeel runs as root: of a list the first that there is. Without it `evenkeel_script`, or else `nobody`.',
);

/** A value, or one for each node by name. */
export function perNode<S extends z.ZodType>(schema: S): z.ZodUnion<readonly [S, z.ZodRecord<z.ZodString, S>]> {
  const meta = schema.meta() as Meta | undefined;
  const byNode = z.record(name, schema);
  return z.union([schema, byNode]).meta({ ...meta, perNode: true });
}

/** Of HTTP or HTTPS, with a path, and without a user. */
function isHttpUrl(value: string): boolean {
  const match = /^https?:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?\/[!-~]*$/i.exec(value);
  return match !== null && Number(match[1] ?? 80) > 0 && Number(match[1] ?? 80) < 65_536;
}
