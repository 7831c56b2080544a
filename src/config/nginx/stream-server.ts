/** One `server` of `stream`: where its connections go, or what its clients are told. */
import type { Place } from '../findings/diagnostic.ts';
import { formatDuration } from '../words/units.ts';
import type { AccessLogs } from './access-log.ts';
import { readStreamAccess } from './access.ts';
import { readStreamBandwidth } from './bandwidth.ts';
import type { DocumentBuilder, PlainMap } from './document.ts';
import { type Listen, readListen } from './listen.ts';
import type { NamedValues } from './named-values.ts';
import { readServerNames, type ServerName } from './names.ts';
import { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import { readPreread } from './preread.ts';
import { readServersTls } from './proxy-ssl.ts';
import { Scope } from './scope.ts';
import type { Settings, Upstreams } from './upstreams.ts';
import { parseTime } from './values.ts';
import { type Constants, hasVariables, translateText } from './variables.ts';

export interface StreamServer {
  readonly directive: Directive;
  readonly scope: Scope;
  readonly names: readonly ServerName[];
  readonly listens: readonly Listen[];
}

/** What all servers of a file share. */
export interface StreamSurroundings {
  readonly logs: AccessLogs;
  readonly document: DocumentBuilder;
  readonly upstreams: Upstreams;
  readonly values: NamedValues;
  /** Those that the file makes. */
  readonly variables: Constants;
  /** Of a variable, in the document. */
  readonly nameOf: (variable: string) => string;
  readonly notes: Notes;
}

export interface Handler {
  /** Of the listener: `upstream`, `respond`, `choose`, `set`, `passthrough`. */
  readonly keys: PlainMap;
  readonly access: PlainMap | null;
  /** As `tries` of the listener; null: as without it. */
  readonly tries: PlainMap | null;
  /** Access logs, by name. */
  readonly logs: readonly string[];
  /** What a client says in its ClientHello is read. */
  readonly isPreread: boolean;
  readonly place: Place;
}

const CONNECT_MS_MAX = 3_600_000;
/** As many as can be asked for; and as there are without asking. */
const TRIES_MAX = 16;
const TRIES = 3;
/** More is no limit. */
const COUNT_MAX = 1_000_000;
export const IDLE_MS_MAX = 576 * 3_600_000;

export function readStreamServer(directive: Directive, stream: Scope, notes: Notes): StreamServer {
  const scope = new Scope('stream-server', directive.block!, stream);
  const written = scope.own('listen');
  if (written.length === 0)
    notes.missing(
      scope.directives,
      directive.place,
      'no "listen" is defined for server',
      'write a `listen` line in it',
    );
  const listens = written.flatMap((listen) => readListen(listen, notes, true));
  return { directive, scope, names: readServerNames(scope, notes), listens };
}

/** Null: it was refused. */
export function readHandler(server: StreamServer, surroundings: StreamSurroundings): Handler | null {
  const { directive, names, scope } = server;
  const { notes, variables } = surroundings;
  const constants = new Map(variables).set('server_name', names[0]?.text ?? '');
  const access = readStreamAccess(scope, notes);
  const set = readSets(scope, constants, surroundings);
  const isPreread = isOn(scope, 'ssl_preread');
  const common = { access, isPreread, logs: surroundings.logs.namesFor(scope), tries: null };
  const [answer] = scope.own('return');
  if (answer !== undefined) {
    const [{ place, text }] = answer.args;
    const translated = translateText(text, constants, 'connection');
    if ('template' in translated) return { keys: { ...set, respond: translated.template }, ...common, place };
    notes.notYet(place, `\`return ${text}\``, translated.problem);
    return null;
  }
  const [pass] = scope.own('proxy_pass');
  if (pass === undefined) {
    const fix = 'write a `proxy_pass` line in it';
    if (scope.own('pass').length === 0) notes.missing(scope.directives, directive.place, 'no handler for server', fix);
    return null;
  }
  const passing = new Passing(server, pass, constants, surroundings);
  const keys = passing.keys();
  if (keys === null) return null;
  const bandwidth = readStreamBandwidth(scope, constants, notes);
  if (bandwidth['bandwidth'] !== undefined && server.listens.some(({ isUdp }) => isUdp)) {
    notes.notYet(pass.place, 'a rate with `listen ... udp`', 'datagrams go on as they come');
    return null;
  }
  return { keys: { ...set, ...keys, ...bandwidth }, ...common, tries: passing.tries(), place: pass.args[0].place };
}

/** In their order. */
function readSets(scope: Scope, constants: Constants, { nameOf, notes }: StreamSurroundings): PlainMap {
  const set: PlainMap = {};
  for (const { args, place } of scope.own('set')) {
    const variable = /^\$(\w+)$/.exec(args[0].text)?.[1];
    const translated = translateText(args[1].text, constants, 'connection');
    if (variable === undefined) {
      notes.error(args[0].place, `invalid variable name "${args[0].text}"`, 'write it with a `$`');
    } else if ('problem' in translated) {
      notes.notYet(place, `\`set ${args[0].text} "${args[1].text}"\``, translated.problem);
    } else if (Object.hasOwn(set, nameOf(variable))) {
      notes.notYet(place, `\`set ${args[0].text}\``, 'a variable is set once in a server', 'take another name');
    } else set[nameOf(variable)] = translated.template;
  }
  return Object.keys(set).length === 0 ? {} : { set };
}

/** `proxy_pass`. */
class Passing {
  private readonly server: StreamServer;
  private readonly pass: Directive;
  private readonly constants: Constants;
  private readonly surroundings: StreamSurroundings;
  private readonly settings: Settings;
  /** Of the groups that it leads to, in the largest. */
  private serverCount = 0;

  constructor(server: StreamServer, pass: Directive, constants: Constants, surroundings: StreamSurroundings) {
    this.server = server;
    this.pass = pass;
    this.constants = constants;
    this.surroundings = surroundings;
    this.settings = this.readSettings();
  }

  /** Of the listener; null: it was refused. */
  keys(): PlainMap | null {
    const { text } = this.pass.args[0];
    if (!hasVariables(text)) {
      const upstream = this.upstreamFor(text);
      return upstream === null ? null : { upstream };
    }
    return this.byHello() ?? this.byValue(text);
  }

  /** When another server is tried: nginx tries all, unless it is told otherwise. */
  tries(): PlainMap | null {
    const { scope } = this.server;
    const { notes } = this.surroundings;
    const isOff = scope.argument('proxy_next_upstream')?.toLowerCase() === 'off';
    const most = count(scope, 'proxy_next_upstream_tries', notes) || this.serverCount;
    const attempts = isOff ? 1 : Math.min(TRIES_MAX, Math.max(1, most));
    const within = time(scope, 'proxy_next_upstream_timeout', 0, CONNECT_MS_MAX, notes);
    const tries = {
      ...(attempts > TRIES || attempts < this.serverCount ? { attempts } : {}),
      ...(within > 1 ? { within: formatDuration(within) } : {}),
    };
    return Object.keys(tries).length === 0 ? null : tries;
  }

  /** Where a `map` of what a client says in its ClientHello leads to texts alone; null: it is not that simple. */
  private byHello(): PlainMap | null {
    const aside = new Notes();
    const found = readPreread(this.server.scope, this.pass, aside);
    if (found === null || found.routes === null || aside.hasErrors || aside.lacksParts) return null;
    const routes: PlainMap[] = [];
    for (const { match, target } of found.routes) {
      const upstream = this.upstreamFor(target);
      if (upstream === null) return null;
      routes.push({ ...match, upstream });
    }
    const passthrough = { routes };
    const upstream = found.otherwise === null ? null : this.upstreamFor(found.otherwise);
    return { passthrough, ...(upstream === null ? {} : { upstream }) };
  }

  /** By a text, which is the name of an upstream or an address that the file has. */
  private byValue(text: string): PlainMap | null {
    const { notes, upstreams, values } = this.surroundings;
    const [{ place }] = this.pass.args;
    const translated = translateText(text, this.constants, 'connection');
    if ('problem' in translated) {
      notes.notYet(place, `\`proxy_pass ${text}\``, translated.problem);
      return null;
    }
    const variable = /^\$\{?(\w+)\}?$/.exec(text)?.[1];
    const { isWhole, texts } = variable === undefined ? { isWhole: false, texts: [] } : values.textsOf(variable);
    const targets = isWhole ? texts : [...upstreams.names, ...texts.filter(isAddress)];
    if (targets.length === 0) {
      const fix = 'write `upstream` blocks, or a `map` that says what it is';
      notes.notYet(place, `\`proxy_pass ${text}\``, 'nothing in the file says where that leads', fix);
      return null;
    }
    if (!isWhole) {
      const what = `\`proxy_pass ${text}\` leads to upstreams of this file and addresses in its maps; other connections are reset`;
      notes.trap(place, what, 'nothing has to be done if there are no others');
    }
    const cases: PlainMap = {};
    for (const target of targets) {
      const upstream = this.upstreamFor(target);
      if (upstream === null) return null;
      cases[target.toLowerCase()] = { upstream };
    }
    return { choose: { by: translated.template, cases } };
  }

  /** The name in the document; null: it was refused. */
  private upstreamFor(target: string): string | null {
    const { document, notes, upstreams } = this.surroundings;
    const { scope, listens } = this.server;
    if (!upstreams.has(target) && !isAddress(target)) {
      const fix = 'write it with its port, for example 192.0.2.1:3306';
      notes.missing(scope.outer?.directives ?? [], this.pass.args[0].place, `no port in upstream "${target}"`, fix);
      return null;
    }
    this.serverCount = Math.max(this.serverCount, upstreams.serverCount(target));
    // nobody comes to it, and it may be why
    if (listens.length === 0) return null;
    const tls = isOn(scope, 'proxy_ssl') ? readServersTls(scope, 'proxy', target, document, notes) : null;
    return upstreams.use(target, { ...this.settings, tls }, this.pass);
  }

  private readSettings(): Settings {
    const { listens, scope } = this.server;
    const { notes } = this.surroundings;
    const bind = scope.find('proxy_bind');
    const source = bind === null || bind.args[0].text === 'off' ? null : bind.args[0].text;
    if (bind !== null && source !== null && (bind.args.length > 1 || source.includes('$'))) {
      notes.notYet(bind.place, '`proxy_bind` with a variable or `transparent`', 'there is nothing like it yet');
    }
    return {
      timeouts: {
        connect: formatDuration(time(scope, 'proxy_connect_timeout', 60_000, CONNECT_MS_MAX, notes)),
        idle: formatDuration(time(scope, 'proxy_timeout', 600_000, IDLE_MS_MAX, notes)),
        ...(isOn(scope, 'proxy_half_close') ? {} : { 'half-closed': '0s' }),
      },
      bind: source,
      tls: null,
      keepAlive: isOn(scope, 'proxy_socket_keepalive'),
      sendsProxyHeader: isOn(scope, 'proxy_protocol'),
      isUdp: listens.some(({ isUdp }) => isUdp),
    };
  }
}

function isAddress(text: string): boolean {
  return text.startsWith('unix:') || /:[0-9]+$/.test(text);
}

function isOn(scope: Scope, name: string): boolean {
  return scope.argument(name)?.toLowerCase() === 'on';
}

/** Null: it is not said. */
export function count(scope: Scope, name: string, notes: Notes): number | null {
  const directive = scope.find(name);
  if (directive === null) return null;
  const [{ text, place }] = directive.args;
  if (/^[0-9]+$/.test(text)) return Math.min(Number(text), COUNT_MAX);
  notes.error(place, `"${name}" directive invalid number`, 'write for example 1');
  return null;
}

export function time(scope: Scope, name: string, otherwise: number, max: number, notes: Notes): number {
  const directive = scope.find(name);
  if (directive === null) return otherwise;
  const ms = parseTime(directive.args[0].text);
  if (ms === null) notes.error(directive.args[0].place, `"${name}" directive invalid value`, 'write for example 30s');
  return Math.min(Math.max(1, ms ?? otherwise), max);
}
