/** `stream`: each server is one listener that passes bytes on. */
import { formatDuration } from '../units.ts';
import { readStreamAccess } from './access.ts';
import type { Place } from '../diagnostic.ts';
import type { DocumentBuilder } from './document.ts';
import { type Listen, readListen } from './listen.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import { Scope } from './scope.ts';
import { readTls, type TlsServer } from './ssl.ts';
import { Upstreams } from './upstreams.ts';
import { parseTime } from './values.ts';
import { hasVariables } from './variables.ts';

const CONNECT_MS_MAX = 3_600_000;
const IDLE_MS_MAX = 576 * 3_600_000;

export function readStream(stream: Scope, document: DocumentBuilder, notes: Notes): void {
  const upstreams = new Upstreams('stream', stream, document, new Map(), notes);
  for (const directive of stream.own('server')) {
    readServer(new Scope('stream-server', directive.block!, stream), directive, upstreams, document, notes);
  }
}

function readServer(
  scope: Scope,
  directive: Directive,
  upstreams: Upstreams,
  document: DocumentBuilder,
  notes: Notes,
): void {
  const written = scope.own('listen');
  if (written.length === 0)
    notes.missing(
      scope.directives,
      directive.place,
      'no "listen" is defined for server',
      'write a `listen` line in it',
    );
  const listens = written.map((listen) => readListen(listen, notes)).filter((listen) => listen !== null);
  const access = readStreamAccess(scope, notes);
  const [pass] = scope.own('proxy_pass');
  if (pass === undefined) {
    const answered = scope.own('return').length > 0 || scope.own('pass').length > 0;
    const fix = 'write a `proxy_pass` line in it';
    if (!answered) notes.missing(scope.directives, directive.place, 'no handler for server', fix);
    return;
  }
  const [{ text, place }] = pass.args;
  if (hasVariables(text)) {
    notes.notYet(place, `\`proxy_pass ${text}\``, 'a variable says where to, which is not there yet');
    return;
  }
  const isAddress = text.startsWith('unix:') || /:[0-9]+$/.test(text);
  if (!upstreams.has(text) && !isAddress) {
    const fix = 'write it with its port, for example 192.0.2.1:3306';
    notes.missing(scope.outer?.directives ?? [], place, `no port in upstream "${text}"`, fix);
    return;
  }
  if (listens.length === 0) return;
  const bind = scope.find('proxy_bind');
  const source = bind === null || bind.args[0].text === 'off' ? null : bind.args[0].text;
  if (bind !== null && source !== null && (bind.args.length > 1 || source.includes('$'))) {
    notes.notYet(bind.place, '`proxy_bind` with a variable or `transparent`', 'there is nothing like it yet');
  }
  const upstream = upstreams.use(
    text,
    {
      timeouts: {
        connect: formatDuration(time(scope, 'proxy_connect_timeout', 60_000, CONNECT_MS_MAX, notes)),
        idle: formatDuration(time(scope, 'proxy_timeout', 600_000, IDLE_MS_MAX, notes)),
      },
      bind: source,
      keepAlive: scope.argument('proxy_socket_keepalive')?.toLowerCase() === 'on',
    },
    pass,
  );
  for (const isTls of [false, true]) {
    const own = listens.filter((listen) => listen.isTls === isTls);
    if (own.length > 0) addListener(own, { scope, names: [], directive }, { upstream, access, place }, document, notes);
  }
}

interface Target {
  readonly upstream: string;
  readonly access: ReturnType<typeof readStreamAccess>;
  readonly place: Place;
}

function addListener(
  listens: readonly Listen[],
  server: TlsServer,
  { upstream, access, place }: Target,
  document: DocumentBuilder,
  notes: Notes,
): void {
  const [{ bind, port, keepAlive, isTls, directive }] = listens;
  const name = document.freeName(document.listeners, port === 0 ? 'tcp-unix' : `tcp-${port}`);
  const socket = { text: bind, servers: [server], listener: name };
  const tls = isTls ? readTls(socket, document, notes) : null;
  document.listeners[name] = {
    bind: listens.length === 1 ? bind : listens.map((listen) => listen.bind),
    protocol: 'tcp',
    ...(tls === null ? {} : { tls }),
    ...(keepAlive === null ? {} : { 'tcp-keepalive': keepAlive }),
    upstream,
    ...(access === null ? {} : { access }),
  };
  document.mark(['listeners', name], directive.place);
  document.mark(['listeners', name, 'bind'], directive.place);
  listens.forEach((listen, i) => document.mark(['listeners', name, 'bind', i], listen.directive.place));
  document.mark(['listeners', name, 'upstream'], place);
}

function time(scope: Scope, name: string, otherwise: number, max: number, notes: Notes): number {
  const directive = scope.find(name);
  if (directive === null) return otherwise;
  const ms = parseTime(directive.args[0].text);
  if (ms === null) notes.error(directive.args[0].place, `"${name}" directive invalid value`, 'write for example 30s');
  return Math.min(Math.max(1, ms ?? otherwise), max);
}
