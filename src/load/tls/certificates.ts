/**
 * Reads the certificates and keys that a configuration names, and finds which name of which listener each of them is for. Keys
 * leave this as DER, and what is said of them has neither key nor passphrase in it.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemReason } from '../../base/system-error.ts';
import { ANY_NAME } from '../../config/words/patterns.ts';
import { type Diagnostic, diagnose, problem, type Problem, type Place } from '../../config/findings/diagnostic.ts';
import type { UpstreamTlsFiles } from '../../config/compile/compile.ts';
import type { TlsClientsPlan, TlsEntryPlan } from '../../config/plan/tls.ts';
import { policyText } from '../../core/tls/client-policies.ts';
import type { Sight } from '../../core/settled-files.ts';
import { findTlsRefusal } from '../../io/openssl/trial.ts';
import type { Authorities, Credential, TicketSource, TlsSettings } from '../../port/tls.ts';
import { SeenFiles } from '../file-state.ts';
import { type AuthorityFiles, readAuthorities } from './authorities.ts';
import { type Pair, type PairFiles, readPair, type ReadPair } from './pair.ts';
import { findAcmeFaults } from './acme-faults.ts';
import { type CertificateFault, type CertificateOwner, reasonOf } from './faults.ts';
import { readTickets, ticketIdOf } from './ticket-files.ts';
import { makeStandIn } from './own-certificates.ts';
import type {
  AcmeSource,
  CertificateSources,
  ClientSource,
  FolderSource,
  ListenerSources,
  PairSource,
  Source,
  TrustSource,
  UpstreamPart,
} from './sources.ts';
import { readTrust, type TrustFiles, trustPaths } from './trust.ts';

export interface Certificates {
  readonly listeners: readonly ListenerCertificates[];
  readonly upstreams: readonly UpstreamCertificates[];
  /** Each once. */
  readonly credentials: readonly Credential[];
  /** Of clients, and of servers. */
  readonly authorities: readonly (Authorities & { readonly files: AuthorityFiles | TrustFiles })[];
  readonly ticketSources: readonly TicketSource[];
  /** What they were read from, and folders of them, as they were then: what has to be looked at to notice a change. */
  readonly files: Sight;
  /** What cannot be used as it is on disk. */
  readonly faults: readonly CertificateFault[];
}

export interface ListenerCertificates {
  readonly listener: string;
  readonly entries: readonly TlsEntryPlan[];
  /** As of TlsPlan. */
  readonly tickets: string | null;
  readonly certificates: readonly CertificateFacts[];
}

/** Of what connects to servers. */
export interface UpstreamCertificates {
  readonly upstream: string;
  readonly part: UpstreamPart;
  /** Whose certificates are believed. Null: every server is, or the files cannot be used. */
  readonly trust: string | null;
  /** Who we are. Null: that is not said, or the files cannot be used. */
  readonly certificate: CertificateFacts | null;
}

/** What may be told of a certificate. */
export interface CertificateFacts {
  readonly id: string;
  readonly files: PairFiles;
  readonly keyType: string;
  readonly kind: string;
  /** That it is used for. */
  readonly names: readonly string[];
  /** Unix time. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Of the response that is stapled to it, Unix time; Infinity: it does not say; null: there is none. */
  readonly stapledUntilMs: number | null;
  /** As of Pair. */
  readonly isStandIn: boolean;
  /** What clients have to show. Null: nothing. */
  readonly clients: TlsClientsPlan['mode'] | null;
}

/** The node's own. */
const OWN_TICKETS = '';

export const NO_CERTIFICATES: Certificates = {
  listeners: [],
  upstreams: [],
  credentials: [],
  authorities: [],
  ticketSources: [],
  files: new Map(),
  faults: [],
};

export interface ReadCertificates {
  readonly certificates: Certificates;
  /** With an error among them the configuration cannot be run here. */
  readonly diagnostics: readonly Diagnostic[];
  /** Of these, those that only keep certificates of listeners from being used: a listener without any cannot be opened. */
  readonly ofListeners: readonly Diagnostic[];
  /** Likewise, those of which nothing was read before either. */
  readonly ofUnused: ReadonlySet<Diagnostic>;
}

/** `former`: what was read by the same sources; a pair that cannot be used now is what it was then. */
export function readCertificates(
  sources: CertificateSources,
  nowMs: number,
  former: Certificates = NO_CERTIFICATES,
): ReadCertificates {
  return new CertificateReader(nowMs, former).read(sources);
}

/** For the compiler, by upstream. */
export function upstreamFilesOf({ upstreams }: Certificates): ReadonlyMap<string, UpstreamTlsFiles> {
  const files = new Map<string, UpstreamTlsFiles>();
  for (const { upstream, part, trust, certificate } of upstreams) {
    const known = files.get(upstream) ?? { servers: null, checks: null };
    files.set(upstream, { ...known, [part]: { trust, credential: certificate?.id ?? null } });
  }
  return files;
}

interface Found {
  readonly pair: Pair;
  readonly files: PairFiles;
  readonly names: readonly string[];
  readonly place: Place;
  readonly clients: TlsClientsPlan | null;
}

class CertificateReader {
  private readonly nowMs: number;
  private readonly former: ReadonlyMap<string, FormerPair>;
  private readonly formerAuthorities: ReadonlyMap<string, Authorities>;
  private readonly formerTickets: ReadonlyMap<string, TicketSource>;
  private readonly tickets = new Map<string, TicketSource | null>();
  private readonly pairs = new Map<string, ReadPair>();
  private readonly authorities = new Map<string, Certificates['authorities'][number] | null>();
  private readonly seen = new SeenFiles();
  private readonly diagnostics: Diagnostic[] = [];
  /** By authorities: what was said of them. */
  private readonly saidOf = new Map<string, readonly Diagnostic[]>();
  private readonly faults: CertificateFault[] = [];
  private readonly ofUnused = new Set<Diagnostic>();
  /** Whose certificates are being read. */
  private owner: CertificateOwner = { listener: '' };

  constructor(nowMs: number, former: Certificates) {
    this.nowMs = nowMs;
    this.former = pairsOf(former);
    this.formerTickets = new Map(former.ticketSources.map((one) => [one.id, one]));
    this.formerAuthorities = new Map(former.authorities.map((one) => [authorityKey(one.files), one]));
  }

  read(sources: CertificateSources): ReadCertificates {
    const credentials = new Map<string, Credential>();
    const keep = (found: readonly Found[]): readonly CertificateFacts[] => {
      for (const { pair } of found) credentials.set(pair.credential.id, pair.credential);
      return found.map(({ pair, files, names, clients }) => factsOf(pair, files, names, clients?.mode ?? null));
    };
    const ofListeners: Diagnostic[] = [];
    const listeners = sources.listeners.map(({ listener, settings, sources: own, tickets }): ListenerCertificates => {
      const before = this.diagnostics.length;
      this.owner = { listener };
      const found = own.flatMap((source) => this.readSource(source, settings));
      ofListeners.push(...this.diagnostics.slice(before));
      const certificates = keep(found);
      return { listener, entries: this.divide(found), tickets: this.readTickets(tickets), certificates };
    });
    const upstreams = sources.upstreams.map(({ upstream, part, settings, trust, pair }): UpstreamCertificates => {
      this.owner = { upstream };
      const believed = trust === null ? null : this.readTrust(trust);
      const [certificate = null] = pair === null ? [] : keep(this.readPair(pair, settings));
      return { upstream, part, trust: believed, certificate };
    });
    const authorities = [...this.authorities.values()].filter((one) => one !== null);
    const ticketSources = [...this.tickets.values()].filter((one) => one !== null);
    return {
      certificates: {
        listeners,
        upstreams,
        credentials: [...credentials.values()],
        authorities,
        ticketSources,
        files: this.seen.sight,
        faults: this.faults,
      },
      diagnostics: this.diagnostics,
      ofListeners,
      ofUnused: this.ofUnused,
    };
  }

  private readTickets(source: ListenerSources['tickets']): string | null {
    if (source === 'off') return null;
    if (source === 'own') return OWN_TICKETS;
    const id = ticketIdOf(source);
    if (this.tickets.has(id)) return id;
    for (const file of source.files) this.seen.note(file);
    const { source: read, problems } = readTickets(source);
    for (const { file, ...found } of problems) this.say(source.places[file], found);
    this.tickets.set(id, read ?? this.formerTickets.get(id) ?? null);
    return id;
  }

  private readSource(source: Source, settings: TlsSettings | null): readonly Found[] {
    if (source.kind === 'pair') return this.readPair(source, settings);
    if (source.kind === 'acme') return this.readAcme(source);
    this.seen.note(source.folder);
    const before = this.diagnostics.length;
    const pairs = this.listFolder(source) ?? [];
    if (pairs.length === 0 && this.diagnostics.length === before) {
      const fix = 'put x.pem and x.key into it, or folders with fullchain.pem and privkey.pem';
      this.say(
        source.place,
        problem('bad-certificate', { path: source.folder, reason: 'nothing in the folder is one', fix }),
      );
    }
    const { clients, place } = source;
    if (pairs.length === 0) return this.keepFolder(source, before);
    return pairs.flatMap((files) => {
      return this.readPair(
        { kind: 'pair', files, names: null, place, keyPlace: place, ocspPlace: place, clients },
        settings,
      );
    });
  }

  /** Without anything usable in it. `before`: of what was said of it. */
  private keepFolder({ folder, place, clients: source }: FolderSource, before: number): readonly Found[] {
    const clients = source === null ? null : this.readClients(source);
    const former = [...this.former.values()].filter(({ files }) => files.certificate.startsWith(join(folder, '/')));
    const kept = clients === 'unknown' ? [] : former.map((one) => ({ ...one, names: one.pair.names, place, clients }));
    this.noteFault(
      before,
      folder,
      former.flatMap(({ pair }) => pair.names),
      kept.length > 0,
    );
    return kept;
  }

  /** Of one that is not there yet, or cannot be used, a stand-in: the authority is asked for another one. */
  private readAcme({ file, plan, place, clients: source }: AcmeSource): readonly Found[] {
    const files: PairFiles = { certificate: file, key: null, passphraseFile: null, ocsp: null };
    this.seen.note(file);
    for (const found of findAcmeFaults(plan)) this.say(place, found);
    const id = idOf(files);
    const read = this.pairs.get(id) ?? readPair(files, this.nowMs);
    for (const found of read.pair === null ? [] : read.problems) this.say(place, found);
    const pair = read.pair ?? this.former.get(id)?.pair ?? makeStandIn(plan.names, this.nowMs);
    this.pairs.set(id, { ...read, pair });
    const clients = source === null ? null : this.readClients(source);
    return clients === 'unknown' ? [] : [{ pair, files, names: pair.names, place, clients }];
  }

  /** Null: it cannot be read, which has been said. */
  private listFolder({ folder, place }: FolderSource): readonly PairFiles[] | null {
    try {
      const names = readdirSync(folder).sort();
      return names.flatMap((name): PairFiles[] => {
        if (name.startsWith('.')) return [];
        const match = /^(.*)\.(?:pem|crt|cer)$/.exec(name);
        if (match !== null) {
          const key = `${match[1]}.key`;
          return [
            {
              certificate: join(folder, name),
              key: names.includes(key) ? join(folder, key) : null,
              passphraseFile: null,
              ocsp: null,
            },
          ];
        }
        return this.listCertbot(join(folder, name));
      });
    } catch (error) {
      const fix = 'correct the path; where root alone may read it, run evenkeel as root';
      this.say(place, problem('bad-certificate', { path: folder, reason: systemReason(error), fix }));
      return null;
    }
  }

  /** A folder of `/etc/letsencrypt/live`. What is anything else is none. */
  private listCertbot(folder: string): PairFiles[] {
    try {
      const names = readdirSync(folder);
      if (!names.includes('fullchain.pem') || !names.includes('privkey.pem')) return [];
      return [
        {
          certificate: join(folder, 'fullchain.pem'),
          key: join(folder, 'privkey.pem'),
          passphraseFile: null,
          ocsp: null,
        },
      ];
    } catch {
      return [];
    }
  }

  private readPair(source: PairSource, settings: TlsSettings | null): readonly Found[] {
    const { files, names, place, keyPlace } = source;
    const { certificate, key, passphraseFile, ocsp } = files;
    for (const file of [certificate, key, passphraseFile, ocsp]) if (file !== null) this.seen.note(file);
    const before = this.diagnostics.length;
    const id = idOf(files);
    const read = this.pairs.get(id) ?? readPair(files, this.nowMs);
    this.pairs.set(id, read);
    const places = { certificate: place, key: keyPlace, ocsp: source.ocspPlace };
    for (const found of read.problems) this.say(places[found.about], found);
    const former = this.former.get(id)?.pair ?? null;
    const pair = this.usable(withStaple(read.pair, former, this.nowMs), settings, files, place) ?? former;
    const clients = source.clients === null ? null : this.readClients(source.clients);
    const isUsed = pair !== null && clients !== 'unknown';
    this.noteFault(before, certificate, names ?? pair?.names ?? read.names, isUsed);
    return isUsed ? [{ pair, files, names: names ?? pair.names, place, clients }] : [];
  }

  /** Its identifier. Null: it cannot be read, which has been said. */
  private readTrust({ files, place, crlPlace }: TrustSource): string | null {
    const key = authorityKey(files);
    const before = this.diagnostics.length;
    let known = this.authorities.get(key);
    if (known === undefined) {
      for (const file of trustPaths(files)) this.seen.note(file);
      const { problems, trust } = readTrust(files, this.nowMs);
      for (const found of problems) this.say(found.about === 'crl' ? crlPlace : place, found);
      const usable = trust ?? this.formerAuthorities.get(key) ?? null;
      known = usable === null ? null : { ...usable, files };
      this.keepAuthorities(key, known, before);
    } else this.sayAgain(key);
    this.noteFault(before, files.ca.concat(files.crl ?? []).join(' and '), [], known !== null);
    return known?.id ?? null;
  }

  private readClients({ mode, depth, files, places }: ClientSource): TlsClientsPlan | 'unknown' {
    if (files.announced === null && files.unannounced === null) return { mode, authorities: null, depth };
    const key = authorityKey(files);
    const before = this.diagnostics.length;
    let known = this.authorities.get(key);
    if (known === undefined) {
      for (const file of Object.values(files)) if (file !== null) this.seen.note(file);
      const { authorities, problems } = readAuthorities(files, this.nowMs);
      for (const found of problems) this.say(places[found.about], found);
      const usable = authorities ?? this.formerAuthorities.get(key) ?? null;
      known = usable === null ? null : { ...usable, files };
      this.keepAuthorities(key, known, before);
    } else this.sayAgain(key);
    return known === null ? 'unknown' : { mode, authorities: known.id, depth };
  }

  private keepAuthorities(key: string, known: Certificates['authorities'][number] | null, before: number): void {
    this.authorities.set(key, known);
    this.saidOf.set(key, this.diagnostics.slice(before));
  }

  /** Each certificate that depends on them has the same fault. */
  private sayAgain(key: string): void {
    this.diagnostics.push(...(this.saidOf.get(key) ?? []));
  }

  /** If an error has been said since `before`. */
  private noteFault(before: number, file: string, names: readonly string[], isFormerUsed: boolean): void {
    const errors = this.diagnostics.slice(before).filter(({ severity }) => severity === 'error');
    if (errors.length === 0) return;
    const reason = errors.map(({ message }) => reasonOf(message, file)).join(' and ');
    if (!isFormerUsed) for (const error of errors) this.ofUnused.add(error);
    this.faults.push({ owner: this.owner, file, names, reason, isFormerUsed });
  }

  /** Null: no proxy could make a context of it. */
  private usable(
    pair: Pair | null,
    settings: TlsSettings | null,
    { certificate: path }: PairFiles,
    place: Place,
  ): Pair | null {
    const reason = pair === null || settings === null ? null : findTlsRefusal(settings, [pair.credential]);
    if (reason === null) return pair;
    const fix = 'make one with another key or signature, or allow it with `profile`';
    this.say(place, problem('bad-certificate', { path, reason, fix }));
    return null;
  }

  /** Which certificates each name has: one of each kind of key, the first of its kind. What has the same ones is one entry. */
  private divide(found: readonly Found[]): readonly TlsEntryPlan[] {
    const owners = new Map<string, Map<string, Found>>();
    const isDefaultNamed = found.some(({ names }) => names.includes(ANY_NAME));
    for (const one of found) {
      const lost = new Map<Found, string[]>();
      // The first certificate is the default, also where it has no names.
      const isDefault = one === found[0] && one.names.length === 0 && !isDefaultNamed;
      for (const name of isDefault ? [ANY_NAME] : one.names) {
        const ofName = owners.get(name) ?? new Map<string, Found>();
        owners.set(name, ofName);
        const other = ofName.get(one.pair.keyType);
        if (other === undefined) ofName.set(one.pair.keyType, one);
        else if (other.pair.credential.id !== one.pair.credential.id)
          lost.set(other, [...(lost.get(other) ?? []), name]);
        else if (policyText(other.clients) !== policyText(one.clients)) this.sayDiffer(one, other, name);
      }
      for (const [other, names] of lost) {
        const args = { path: one.files.certificate, names: names.join(', '), other: other.files.certificate };
        this.say(one.place, problem('certificate-name-taken', args));
      }
      if (one.names.length === 0 && !isDefault) {
        this.say(one.place, problem('certificate-without-names', { path: one.files.certificate }));
      }
    }
    const entries = new Map<
      string,
      { names: string[]; credentials: readonly string[]; clients: TlsClientsPlan | null }
    >();
    const standard = owners.get(ANY_NAME);
    owners.delete(ANY_NAME);
    for (const [name, ofName] of [...(standard === undefined ? [] : [[ANY_NAME, standard] as const]), ...owners]) {
      const ones = [...ofName.values()];
      const credentials = ones.map(({ pair }) => pair.credential.id);
      const [{ clients }] = ones;
      const other = ones.find((one) => policyText(one.clients) !== policyText(clients));
      if (other !== undefined) this.sayDiffer(other, ones[0], name);
      const key = `${credentials.join(' ')} ${policyText(clients)}`;
      const entry = entries.get(key) ?? { names: [], credentials, clients };
      if (name !== ANY_NAME) entry.names.push(name);
      entries.set(key, entry);
    }
    return [...entries.values()];
  }

  private sayDiffer(one: Found, other: Found, names: string): void {
    const args = { path: one.files.certificate, other: other.files.certificate, names };
    this.say(one.place, problem('client-policies-differ', args));
  }

  private say(place: Place, found: Problem): void {
    this.diagnostics.push(diagnose(found, place));
  }
}

/** `clients`: what they have to show. */
export function factsOf(
  { credential, ...facts }: Pair,
  files: PairFiles,
  names: readonly string[] = facts.names,
  clients: CertificateFacts['clients'] = null,
): CertificateFacts {
  const stapledUntilMs = credential.staple === null ? null : credential.staple.untilMs;
  return { ...facts, id: credential.id, files, names, stapledUntilMs, clients };
}

interface FormerPair {
  readonly pair: Pair;
  readonly files: PairFiles;
}

function pairsOf({ listeners, upstreams, credentials }: Certificates): ReadonlyMap<string, FormerPair> {
  const byId = new Map(credentials.map((credential) => [credential.id, credential]));
  const all = [
    ...listeners.flatMap(({ certificates }) => certificates),
    ...upstreams.flatMap(({ certificate }) => certificate ?? []),
  ];
  return new Map(
    all.map(
      ({ id, files, ...facts }) => [idOf(files), { files, pair: { ...facts, credential: byId.get(id)! } }] as const,
    ),
  );
}

function authorityKey(files: AuthorityFiles | TrustFiles): string {
  return JSON.stringify(
    'ca' in files ? [files.ca, files.crl] : [files.announced, files.unannounced, files.revocations],
  );
}

/** The former response stays where the file of it cannot be used, as long as the pair is the same. */
function withStaple(pair: Pair | null, former: Pair | null, nowMs: number): Pair | null {
  const staple = former?.credential.staple ?? null;
  if (pair === null || former === null || staple === null || pair.credential.staple !== null) return pair;
  const isSame = Buffer.compare(pair.credential.chain[0], former.credential.chain[0]) === 0;
  return isSame && staple.untilMs > nowMs ? former : pair;
}

function idOf({ certificate, key, passphraseFile, ocsp }: PairFiles): string {
  return JSON.stringify([certificate, key, passphraseFile, ocsp]);
}
