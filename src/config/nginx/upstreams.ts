/**
 * `upstream` blocks, and servers that are named without one, as upstreams of the model. In nginx the timeouts belong to who
 * sends, here to the upstream: who sends with other ones gets an upstream of its own over the same servers.
 */
import { parseServer } from '../words/addresses.ts';
import { slotsOfServer } from '../check/server-places.ts';
import { formatDuration } from '../words/units.ts';
import type { Place } from '../findings/diagnostic.ts';
import type { DocumentBuilder, PlainMap } from './document.ts';
import { readWear } from './keep-alive.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { ServersTlsSettings } from './proxy-ssl.ts';
import { readResolver } from './resolver.ts';
import { Scope } from './scope.ts';
import { readSticky } from './sticky.ts';
import { parseTime } from './values.ts';
import { type Constants, hasVariables, translateText } from './variables.ts';

/** What who sends says of the servers' side. */
export interface Settings {
  /** By key of the model's `timeouts`. */
  readonly timeouts: Readonly<Record<string, string>>;
  readonly bind: string | null;
  /** Null: servers are spoken to in clear. */
  readonly tls: ServersTlsSettings | null;
  readonly keepAlive: boolean;
  /** They are spoken to in HTTP/2. */
  readonly isHttp2?: boolean;
  /** As in the model; null: servers are not asked. */
  readonly health?: PlainMap | null;
  /** Of `stream`. */
  readonly sendsProxyHeader?: boolean;
  readonly isUdp?: boolean;
}

interface Group {
  readonly directive: Directive;
  readonly servers: readonly PlainMap[];
  readonly places: readonly Directive[];
  /** Keys of the model. */
  readonly rest: PlainMap;
  /** By key of the model's `timeouts`. */
  readonly timeouts: Readonly<Record<string, string>>;
}

/** nginx lets nobody wait for a place, unless it is told to. */
const NO_QUEUE: PlainMap = { max: 0 };

/** Methods of nginx that know no backup servers. */
const WITHOUT_BACKUPS: ReadonlySet<string> = new Set(['ip_hash', 'hash', 'random']);

export class Upstreams {
  private readonly family: 'http' | 'stream';
  private readonly document: DocumentBuilder;
  private readonly notes: Notes;
  private readonly variables: Constants;
  private readonly groups = new Map<string, Group>();
  /** By what was asked for: the name in the model. */
  private readonly made = new Map<string, string>();

  /** `variables`: those that the file makes. */
  constructor(family: 'http' | 'stream', scope: Scope, document: DocumentBuilder, variables: Constants, notes: Notes) {
    this.variables = variables;
    this.family = family;
    this.document = document;
    this.notes = notes;
    for (const directive of scope.own('upstream')) {
      const name = directive.args[0].text.toLowerCase();
      if (this.groups.has(name)) {
        notes.error(directive.place, `duplicate upstream "${name}"`, 'give it another name, or keep one');
        continue;
      }
      this.groups.set(name, this.readGroup(directive, scope));
    }
  }

  has(name: string): boolean {
    return this.groups.has(name.toLowerCase());
  }

  get names(): readonly string[] {
    return [...this.groups.keys()];
  }

  /** How many there may be: a name may have several addresses. */
  serverCount(name: string): number {
    const servers = this.groups.get(name.toLowerCase())?.servers ?? [{ address: name }];
    return servers.reduce((count, server) => count + slotsOfServer(server), 0);
  }

  /** It is no group's, and no address: somebody has to be asked for it. */
  isHostName(name: string): boolean {
    return !this.groups.has(name.toLowerCase()) && slotsOfServer(name) > 1;
  }

  /** The upstream of the model for a group, or for one address. `resolver`: who is asked for its name, if not the system's. */
  use(name: string, settings: Settings, directive: Directive, resolver: PlainMap | null = null): string {
    const tls = settings.tls?.map ?? null;
    const key = JSON.stringify([name.toLowerCase(), resolver, { ...settings, tls }]);
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const group = this.groups.get(name.toLowerCase()) ?? this.single(name, directive);
    const { upstreams } = this.document;
    const modelName = this.document.freeName(upstreams, name.replace(/^unix:\/+/, ''));
    this.made.set(key, modelName);
    upstreams[modelName] = {
      servers: tls === null || !this.groups.has(name.toLowerCase()) ? group.servers : group.servers.map(withPort),
      ...(settings.isUdp === true ? this.forDatagrams(group) : group.rest),
      ...(resolver === null ? {} : { resolver }),
      ...this.settingsOf(settings, group),
      ...(settings.health ? { health: settings.health } : {}),
    };
    this.markSettings(modelName, settings, group);
    group.places.forEach((server, i) => {
      this.document.mark(['upstreams', modelName, 'servers', i], server.place);
    });
    return modelName;
  }

  private settingsOf({ bind, keepAlive, isHttp2, sendsProxyHeader, timeouts, tls }: Settings, group: Group): PlainMap {
    return {
      ...(isHttp2 === true ? { protocol: 'http2' } : {}),
      ...(tls === null ? {} : { tls: tls.map }),
      ...(bind === null ? {} : { source: bind }),
      timeouts: { ...timeouts, ...group.timeouts },
      ...(keepAlive ? { 'tcp-keepalive': true } : {}),
      ...(sendsProxyHeader === true ? { 'proxy-protocol': 'v1' } : {}),
    };
  }

  private markSettings(modelName: string, { tls }: Settings, { directive }: Group): void {
    this.document.mark(['upstreams', modelName], directive.place);
    for (const [part, place] of tls?.places ?? []) this.document.mark(['upstreams', modelName, 'tls', part], place);
  }

  /** The upstream of the model for requests that say themselves where they go: to any group of the file, or anywhere. `wanted`: a name for it. */
  useByRequest(
    text: string,
    wanted: string,
    settings: Settings,
    resolver: PlainMap | null,
    directive: Directive,
  ): string {
    const tls = settings.tls?.map ?? null;
    const key = JSON.stringify([text, resolver, { ...settings, tls }]);
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const { upstreams } = this.document;
    const modelName = this.document.freeName(upstreams, wanted);
    this.made.set(key, modelName);
    const serverBy: PlainMap = { text, loose: true, ...(resolver === null ? { names: false } : {}) };
    const group = this.single(text, directive);
    upstreams[modelName] = {
      'server-by': serverBy,
      ...(resolver === null ? {} : { resolver }),
      ...group.rest,
      ...this.settingsOf(settings, group),
    };
    this.markSettings(modelName, settings, group);
    const named = Array.from(this.groups.keys(), (name) => [name, this.use(name, settings, directive)] as const);
    if (named.length > 0) serverBy['upstreams'] = Object.fromEntries(named);
    return modelName;
  }

  /** Of a datagram only the address is known that it came from. */
  private forDatagrams({ directive, rest }: Group): PlainMap {
    const { hash, ...others } = rest;
    if (hash === undefined) return rest;
    const { text } = hash as { readonly text: string };
    if (!/^\{client(-bytes)?\}$/.test(text))
      this.notes.notYet(directive.place, '`hash` with `listen ... udp`', 'only $remote_addr is known of a datagram');
    return { ...others, balance: 'source-hash' };
  }

  private single(address: string, directive: Directive): Group {
    const rest = { queue: NO_QUEUE, ...(this.family === 'http' ? { pool: { idle: 0 } } : {}) };
    return { directive, servers: [{ address }], places: [directive], rest, timeouts: {} };
  }

  private readGroup(directive: Directive, outer: Scope): Group {
    const scope = new Scope(this.family === 'http' ? 'upstream' : 'stream-upstream', directive.block!, outer);
    const lines = scope.own('server');
    this.checkBackups(scope.directives);
    const servers: PlainMap[] = [];
    const places: Directive[] = [];
    for (const line of lines) {
      const server = this.readServer(line, lines.length === 1);
      if (server === null) continue;
      const copies = servers.filter(({ address }) => address === server['address']).length;
      servers.push(copies === 0 ? server : { ...server, copy: copies + 1 });
      places.push(line);
    }
    if (lines.length === 0) {
      const fix = 'write a `server` line in it';
      this.notes.missing(scope.directives, directive.place, 'no servers are inside upstream', fix);
    }
    const rest: PlainMap = { ...this.readMethod(scope), queue: NO_QUEUE };
    const resolver = lines.some(({ args }) => args.some(({ text }) => text === 'resolve'))
      ? readResolver(scope, this.notes)
      : null;
    if (resolver !== null) rest['resolver'] = resolver;
    const timeouts: Record<string, string> = {};
    const slowStart = slowStartOf(lines);
    if (slowStart > 0) rest['slow-start'] = formatDuration(Math.min(slowStart, 3_600_000));
    this.readQueue(scope, rest, timeouts);
    const [stickyLine] = scope.own('sticky');
    const sticky = stickyLine === undefined ? null : readSticky(stickyLine, this.variables, this.notes);
    if (sticky !== null) rest['sticky'] = sticky;
    if (this.family === 'http') {
      const keepalive = scope.own('keepalive')[0];
      const pool: PlainMap = {
        idle: keepalive === undefined ? 0 : Math.min(10_000, Number(keepalive.args[0].text) || 0),
      };
      rest['pool'] = pool;
      if (keepalive !== undefined) {
        const time = scope.own('keepalive_timeout')[0];
        const ms = time === undefined ? 60_000 : (parseTime(time.args[0].text) ?? 60_000);
        timeouts['idle'] = formatDuration(Math.max(1, ms));
        Object.assign(pool, readWear(new Scope('upstream', scope.directives, null), this.notes));
      }
    }
    return { directive, servers, places, rest, timeouts };
  }

  /** `queue 100 timeout=70s` */
  private readQueue(scope: Scope, rest: PlainMap, timeouts: Record<string, string>): void {
    const [queue] = scope.own('queue');
    if (queue === undefined) return;
    const [{ text: max }, limit] = queue.args;
    const ms = parseTime((limit?.text ?? 'timeout=60s').replace(/^timeout=/, ''));
    if (!/^[0-9]{1,6}$/.test(max) || ms === null) {
      this.notes.error(queue.place, 'invalid "queue" directive', 'write for example queue 100 timeout=70s');
      return;
    }
    rest['queue'] = { max: Math.min(Number(max), 100_000) };
    timeouts['queue'] = formatDuration(Math.min(Math.max(1, ms), 3_600_000));
  }

  /** nginx refuses them behind the line of a method that has none; in front of it they are what they always are. */
  private checkBackups(directives: readonly Directive[]): void {
    const method = directives.findIndex(({ name }) => WITHOUT_BACKUPS.has(name));
    if (method < 0) return;
    for (const { name, args } of directives.slice(method)) {
      const backup = name === 'server' ? args.find(({ text }) => text === 'backup') : undefined;
      if (backup === undefined) continue;
      const reason = 'balancing method does not support parameter "backup"';
      this.notes.error(backup.place, reason, `leave it out, or leave \`${directives[method].name}\` out`);
    }
  }

  private readServer(line: Directive, isOnly: boolean): PlainMap | null {
    const [address, ...options] = line.args;
    if (hasVariables(address.text)) {
      this.notes.error(address.place, `host not found in upstream "${address.text}"`, 'write a name or an address');
      return null;
    }
    const server: PlainMap = { address: address.text };
    let failures = 1;
    let timeMs = 10_000;
    for (const { text, place } of options) {
      const [key, value] = text.split(/=(.*)/s, 2);
      const number = /^[0-9]{1,9}$/.test(value ?? '') ? Number(value) : null;
      const bad = (): void => this.notes.error(place, `invalid parameter "${text}"`, 'correct or remove it');
      if (key === 'weight' && number !== null && number > 0) server['weight'] = number;
      else if (key === 'max_conns' && number !== null) {
        if (number > 0) server['max-connections'] = number;
      } else if (key === 'max_fails' && number !== null) failures = number;
      else if (key === 'fail_timeout' && value !== undefined) {
        const ms = parseTime(value, true);
        if (ms === null) bad();
        else timeMs = Math.max(1, ms);
      } else if (text === 'backup') server['backup'] = true;
      else if (text === 'down') server['state'] = 'disabled';
      else if (text === 'drain') server['state'] = 'drain';
      else if (text === 'resolve') continue;
      else if (key === 'slow_start' && value !== undefined) {
        if (parseTime(value, true) === null) bad();
      } else if (key === 'route' && value !== undefined) server['id'] = value;
      else if (key === 'service' && value !== undefined) this.readService(value, line.args, place, server);
      else bad();
    }
    // nginx never gives up the only server of a group.
    if (!isOnly && failures > 0) {
      const time = formatDuration(Math.min(timeMs, 86_400_000));
      server['passive'] = { failures, within: time, eject: time };
    }
    return server;
  }

  /** nginx refuses the same. */
  private readService(service: string, args: Directive['args'], place: Place, server: PlainMap): void {
    const [{ text: address }] = args;
    const parsed = parseServer(address).value;
    const refuse = (reason: string, fix: string): void =>
      this.notes.error(place, `service upstream "${address}" ${reason}`, fix);
    if (!args.some(({ text }) => text === 'resolve'))
      refuse('requires "resolve" parameter', 'write `resolve` behind it');
    else if (parsed === null || !('hostname' in parsed.target)) refuse('must be a name', 'write a domain');
    else if (parsed.hasPort) refuse('may not have port', `write ${parsed.target.hostname}`);
    else server['service'] = service;
  }

  private readLeastTime({ args, place }: Directive): PlainMap {
    const words = args.map(({ text }) => text);
    const known: readonly string[] = TIMES[this.family];
    if (!known.includes(words[0]) || (words[1] ?? 'inflight') !== 'inflight') {
      this.notes.error(place, 'invalid parameter in "least_time"', `write for example least_time ${known[0]}`);
    }
    return { balance: words[0] === 'last_byte' ? 'least-whole-time' : 'least-time' };
  }

  private readMethod(scope: Scope): PlainMap {
    const hash = scope.own('hash')[0];
    if (scope.own('ip_hash').length > 0) return { balance: 'nginx-ip-hash' };
    if (scope.own('least_conn').length > 0) return { balance: 'least-connections' };
    const [leastTime] = scope.own('least_time');
    if (leastTime !== undefined) return this.readLeastTime(leastTime);
    if (scope.own('random').length > 0) return { balance: 'random-two' };
    if (hash === undefined) return {};
    const key = hash.args[0].text;
    const found = translateText(key, this.variables, this.family === 'http' ? 'request' : 'connection');
    if ('template' in found) {
      const isConsistent = hash.args[1]?.text === 'consistent';
      return { balance: isConsistent ? 'ketama' : 'nginx-hash', hash: { text: found.template } };
    }
    this.notes.notYet(hash.args[0].place, `\`hash ${key}\``, found.problem, 'use for example $remote_addr');
    return {};
  }
}

/** What counts as the time of a server, in nginx's words. */
const TIMES = { http: ['header', 'last_byte'], stream: ['connect', 'first_byte', 'last_byte'] } as const;

/** The longest of all servers, in milliseconds; 0: there is none. */
function slowStartOf(lines: readonly Directive[]): number {
  const words = lines.flatMap(({ args }) => args.map(({ text }) => /^slow_start=(.+)$/.exec(text)?.[1] ?? '0'));
  return Math.max(0, ...words.map((text) => parseTime(text, true) ?? 0));
}

/** In a block servers without a port have 80, whatever is spoken with them. */
function withPort(server: PlainMap): PlainMap {
  const address = String(server['address']);
  return server['service'] !== undefined || address.startsWith('unix:') || /:[0-9]+$/.test(address)
    ? server
    : { ...server, address: `${address}:80` };
}
