/** `ssl_*`: the certificates of the servers that share a socket, and how it speaks TLS. */
import { formatDuration } from '../words/units.ts';
import { ANY_NAME } from '../words/patterns.ts';
import type { DocumentBuilder, PlainMap } from './document.ts';
import type { ServerName } from './names.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';
import { readClients } from './ssl-clients.ts';
import { readCommands } from './ssl-commands.ts';
import type { Word } from './tokens.ts';
import { parseTime } from './values.ts';
import { hasVariables } from './variables.ts';

/** A server behind a socket; of `stream` there is one. */
export interface TlsServer {
  readonly scope: Scope;
  readonly names: readonly ServerName[];
  readonly directive: Directive;
}

export interface TlsSocket {
  /** As `listen` has it. */
  readonly text: string;
  /** The default server is the first. */
  readonly servers: readonly TlsServer[];
  /** Of the listener in the document. */
  readonly listener: string;
}

interface Pair {
  readonly certificate: Directive;
  readonly key: Directive;
}

const HANDSHAKE_MS_MAX = 3_600_000;
const SESSION_MS_MAX = 7 * 86_400_000;
/** What nginx has without `ssl_ciphers`. */
const CIPHERS = 'HIGH:!aNULL:!MD5';
const SETTINGS = 'ssl_protocols ssl_ciphers ssl_conf_command ssl_prefer_server_ciphers ssl_ecdh_curve'.split(' ');

/** Null: something of it cannot be had, and why has been said. */
export function readTls(socket: TlsSocket, document: DocumentBuilder, notes: Notes): PlainMap | null {
  return new TlsReader(socket, document, notes).read();
}

class TlsReader {
  private readonly socket: TlsSocket;
  private readonly document: DocumentBuilder;
  private readonly notes: Notes;
  private readonly standard: TlsServer;
  private readonly certificates: PlainMap[] = [];
  /** Of each server, what it asks of clients' certificates. */
  private readonly clients = new Map<TlsServer, PlainMap | null>();
  /** All servers ask for the same. */
  private readonly isOneForAll: boolean;

  constructor(socket: TlsSocket, document: DocumentBuilder, notes: Notes) {
    this.socket = socket;
    this.document = document;
    this.notes = notes;
    [this.standard] = socket.servers;
    for (const server of socket.servers) {
      this.clients.set(server, readClients(server.scope, this.carrierOf(server).scope, document, notes));
    }
    this.isOneForAll = new Set([...this.clients.values()].map((clients) => JSON.stringify(clients))).size === 1;
  }

  read(): PlainMap | null {
    const { servers, listener } = this.socket;
    this.document.mark(['listeners', listener, 'tls'], this.standard.directive.place);
    for (const server of servers) this.readServer(server);
    if (this.certificates.length === 0) {
      if (isRefusing(this.standard)) {
        const place = this.standard.scope.find('ssl_reject_handshake')!.place;
        this.notes.notYet(
          place,
          'a socket all of whose servers have `ssl_reject_handshake`',
          'a certificate is needed',
        );
      }
      return null;
    }
    const [{ names, ...first }] = this.certificates;
    // with others refused, it is not for all names that it has
    const isForAll = this.certificates.length === 1 && (names === undefined || !isRefusing(this.standard));
    const clients = this.isOneForAll ? this.clients.get(this.standard) : null;
    return {
      ...(isForAll ? first : { certificates: this.certificates }),
      ...(clients ? { 'client-certificate': clients } : {}),
      profile: this.profile(),
      ...this.alpn(),
      ...(isRefusing(this.standard) ? { 'unknown-name': 'refuse' } : {}),
      ...(this.redirects() ? { 'plain-http': 'redirect' } : {}),
      handshake: this.handshake(),
      ...this.tickets(),
    };
  }

  private readServer(server: TlsServer): void {
    const isStandard = server === this.standard;
    if (isRefusing(server)) {
      if (isStandard || isRefusing(this.standard)) return;
      const { place } = server.scope.find('ssl_reject_handshake')!;
      const what = '`ssl_reject_handshake` of a server that is not the default one';
      this.notes.notYet(
        place,
        what,
        'names without certificate are refused for a whole socket',
        'write it in the default server',
      );
      return;
    }
    const pairs = this.pairsOf(server);
    const isRefusingOthers = isRefusing(this.standard);
    if (!isStandard) this.compareSettings(server);
    const isLone = this.socket.servers.length === 1;
    // Everybody gets it anyway.
    const isLikeStandard = !isStandard && !isRefusingOthers && this.textOf(server) === this.textOf(this.standard);
    if (isLikeStandard && this.isOneForAll) return;
    const own = isLone ? [] : this.namesOf(server, (isStandard || isLikeStandard) && !isRefusingOthers);
    const names = own.length === 0 && isStandard ? [ANY_NAME] : own;
    if (names.length === 0) return;
    // of several with one kind of key nginx has the last one, and a listener the first
    for (const pair of pairs.toReversed()) this.addPair(server, pair, names);
  }

  /** The same for servers that clients cannot tell from each other. */
  private textOf(server: TlsServer): string {
    const { scope } = this.carrierOf(server);
    const files = ['ssl_certificate', 'ssl_certificate_key'].map((name) =>
      scope.all(name).map(({ args }) => args[0].text),
    );
    return JSON.stringify([files, this.clients.get(server)]);
  }

  /** nginx finds the server by the name that the client asks for, as by Host. `isDefault`: others get it too. */
  private namesOf({ names, directive }: TlsServer, isDefault: boolean): readonly string[] {
    const found: string[] = [];
    for (const { kind, text } of names) {
      if (kind === 'exact' || kind === 'suffix') found.push(text);
      else if (!isDefault) {
        const reason = 'a certificate is for names and for `*.example.com`';
        this.notes.notYet(
          directive.place,
          `a certificate for \`server_name ${text}\` alone`,
          reason,
          'write the names themselves',
        );
      }
    }
    return found.filter((name) => name !== '_');
  }

  /** Whose certificates it has: without any, those of the default server. */
  private carrierOf(server: TlsServer): TlsServer {
    return server.scope.all('ssl_certificate').length === 0 && !isRefusing(this.standard) ? this.standard : server;
  }

  private pairsOf(server: TlsServer): readonly Pair[] {
    const { scope, directive } = this.carrierOf(server);
    const isMisspelt = isLacking(scope, this.notes);
    const certificates = scope.all('ssl_certificate');
    const keys = scope.all('ssl_certificate_key');
    if (certificates.length === 0) {
      const reason = `no "ssl_certificate" is defined for the "listen ... ssl" directive of ${this.socket.text}`;
      if (!isMisspelt) this.notes.error(directive.place, reason, 'write `ssl_certificate` and `ssl_certificate_key`');
      return [];
    }
    return certificates.flatMap((certificate, i) => {
      const key = keys[i];
      if (key !== undefined) return [{ certificate, key }];
      const reason = `no "ssl_certificate_key" is defined for certificate "${certificate.args[0].text}"`;
      if (!isMisspelt)
        this.notes.error(certificate.place, reason, 'write one `ssl_certificate_key` for each `ssl_certificate`');
      return [];
    });
  }

  private addPair(server: TlsServer, { certificate, key }: Pair, names: readonly string[]): void {
    const { scope } = this.carrierOf(server);
    const isPath = [certificate, key].every(({ name, args: [{ text, place }] }) => {
      const isOther = /^(data|engine|store):/.test(text) || hasVariables(text);
      if (isOther)
        this.notes.notYet(
          place,
          `\`${name} ${text.replace(/:.*/s, ':...')}\``,
          'certificates and keys are read from files',
        );
      return !isOther;
    });
    if (!isPath) return;
    const passphrases = scope.find('ssl_password_file');
    const response = this.stapledFile(scope);
    const at = ['listeners', this.socket.listener, 'tls', 'certificates', this.certificates.length];
    for (const path of [at, at.slice(0, 3)]) {
      this.document.mark([...path, 'certificate'], certificate.args[0].place);
      this.document.mark([...path, 'key'], key.args[0].place);
    }
    this.certificates.push({
      certificate: this.document.wholePath(certificate.args[0].text),
      key: this.document.wholePath(key.args[0].text),
      ...(passphrases === null ? {} : { 'passphrase-file': this.document.wholePath(passphrases.args[0].text) }),
      ...(response === null ? {} : { ocsp: response }),
      ...(names.length === 0 ? {} : { names: names.length === 1 ? names[0] : names }),
      ...(this.isOneForAll || !this.clients.get(server) ? {} : { 'client-certificate': this.clients.get(server) }),
    });
  }

  /** Null: nothing is stapled. */
  private stapledFile(scope: TlsServer['scope']): string | null {
    const stapling = scope.find('ssl_stapling');
    if (stapling?.args[0].text.toLowerCase() !== 'on') return null;
    const file = scope.find('ssl_stapling_file');
    if (file !== null) return this.document.wholePath(file.args[0].text);
    this.notes.leftOut(
      stapling.place,
      'ssl_stapling',
      'no response is fetched: only that of `ssl_stapling_file` is stapled',
    );
    return null;
  }

  private profile(): PlainMap {
    const { scope } = this.standard;
    const versions = readVersions(scope.find('ssl_protocols'), this.notes);
    const { suites, ...said } = readCommands(scope.all('ssl_conf_command'), this.notes);
    const ciphers = said.ciphers ?? scope.argument('ssl_ciphers') ?? CIPHERS;
    const groups = said.groups ?? scope.argument('ssl_ecdh_curve') ?? 'auto';
    const has = (version: string): boolean => versions.includes(version);
    return {
      versions: versions.length === 1 ? versions[0] : versions,
      ...(has('TLSv1.2') ? { ciphers } : {}),
      ...(has('TLSv1.3') && suites !== null ? { ciphersuites: suites } : {}),
      ...(groups === 'auto' ? {} : { groups }),
      ...(scope.argument('ssl_prefer_server_ciphers')?.toLowerCase() === 'on' ? { 'server-order': true } : {}),
    };
  }

  /** Of `stream`. */
  private alpn(): PlainMap {
    const directive = this.standard.scope.find('ssl_alpn');
    if (directive === null) return {};
    this.document.mark(['listeners', this.socket.listener, 'tls', 'alpn'], directive.place);
    const names = directive.args.map(({ text }) => text);
    return { alpn: names.length === 1 ? names[0] : names };
  }

  /** What a socket speaks is said by its default server. */
  private compareSettings({ scope, directive }: TlsServer): void {
    if (settingsText(scope) === settingsText(this.standard.scope)) return;
    const what = `the ssl_protocols, ssl_ciphers and the like of this server are not those of the default server of ${this.socket.text}`;
    this.notes.trap(
      directive.place,
      what,
      'write them in `http`: those of the default server hold for all servers of the socket',
    );
  }

  /** `error_page 497 https://...`: for requests without TLS. */
  private redirects(): boolean {
    return this.standard.scope
      .all('error_page')
      .some(
        ({ args }) => args.slice(0, -1).some(({ text }) => text === '497') && args.at(-1)!.text.startsWith('https://'),
      );
  }

  /** Without keys in files nginx makes one at its start. */
  private tickets(): PlainMap {
    const { scope } = this.standard;
    const cache = scope.find('ssl_session_cache')?.args ?? [];
    return {
      ...this.ticketKeys(),
      ...(cache.some(isTable) ? { 'session-cache': true } : {}),
      ...this.sessionTimeout(),
    };
  }

  private sessionTimeout(): PlainMap {
    const { document, notes, socket, standard } = this;
    const directive = standard.scope.find('ssl_session_timeout');
    if (directive === null) return {};
    const [{ place, text }] = directive.args;
    const ms = parseTime(text, true);
    if (ms === null) notes.error(place, '"ssl_session_timeout" directive invalid value', 'write for example 1d');
    document.mark(['listeners', socket.listener, 'tls', 'session-timeout'], directive.place);
    return { 'session-timeout': formatDuration(Math.min(Math.max(1000, ms ?? 0), SESSION_MS_MAX)) };
  }

  private ticketKeys(): PlainMap {
    const { scope } = this.standard;
    if (scope.argument('ssl_session_tickets')?.toLowerCase() === 'off') return { tickets: false };
    const keys = scope.all('ssl_session_ticket_key').map(({ args }) => this.document.wholePath(args[0].text));
    if (keys.length === 0) return {};
    return { 'ticket-keys': keys.length === 1 ? keys[0] : keys };
  }

  private handshake(): string {
    const { scope } = this.standard;
    const isStream = scope.context.startsWith('stream');
    const name = isStream ? 'ssl_handshake_timeout' : 'client_header_timeout';
    const ms = parseTime(scope.argument(name) ?? '60s') ?? 60_000;
    return formatDuration(Math.min(Math.max(1, ms), HANDSHAKE_MS_MAX));
  }
}

/** `shared:name:size`, `builtin`. */
function isTable({ text }: Word): boolean {
  return /^(shared:|builtin)/.test(text);
}

function isRefusing({ scope }: TlsServer): boolean {
  return scope.argument('ssl_reject_handshake')?.toLowerCase() === 'on';
}

function settingsText(scope: Scope): string {
  return SETTINGS.map((name) => scope.all(name).map(({ args }) => args.map(({ text }) => text).join(' '))).join('\n');
}

/** Something here or around it was left out because it was wrong. */
function isLacking({ directives, outer }: Scope, notes: Notes): boolean {
  return notes.isLacking(directives) || (outer !== null && isLacking(outer, notes));
}

/** Of `ssl_protocols` and its like. */
export function readVersions(directive: Directive | null, notes: Notes): readonly string[] {
  if (directive === null) return ['TLSv1.2', 'TLSv1.3'];
  const written = directive.args.map(({ text }) => text);
  const old = written.filter((version) => !/^TLSv1\.[23]$/.test(version));
  for (const version of old) {
    if (/^(SSLv[23]|TLSv1(\.1)?)$/.test(version)) {
      notes.leftOut(
        directive.place,
        `${directive.name} ${version}`,
        'it is broken, and TLS 1.2 is the oldest that is spoken',
      );
    } else notes.error(directive.place, `invalid value "${version}"`, 'write TLSv1.2 TLSv1.3');
  }
  const versions = ['TLSv1.2', 'TLSv1.3'].filter((version) => written.includes(version));
  if (versions.length > 0) return versions;
  notes.notYet(
    directive.place,
    `\`${directive.name}\` without TLSv1.2 and TLSv1.3`,
    'older versions are broken',
    'add TLSv1.2',
  );
  return ['TLSv1.2'];
}
