/** The certificates of a configuration that runs, read again because a file of them was replaced; nothing else of it is touched. */
import { formatDiagnostic } from '../../config/findings/diagnostic.ts';
import type { ServersTlsFiles } from '../../config/compile/tls.ts';
import type { HealthPlan } from '../../config/plan/health.ts';
import type { Plan } from '../../config/plan/plan.ts';
import type { ServersTlsPlan } from '../../config/plan/tls.ts';
import { type CertificateFacts, type Certificates, readCertificates, upstreamFilesOf } from './certificates.ts';
import type { CertificateFault } from './faults.ts';
import { timeText } from './wording.ts';
import type { CertificateSources } from './sources.ts';

export interface RenewalRequest {
  readonly sources: CertificateSources;
  /** Those in force. */
  readonly former: Certificates;
}

export interface Renewal {
  /** Why a pair stays what it was: a line each. */
  readonly refusals: readonly string[];
  /** What cannot be used now, whether anything has changed or not. */
  readonly faults: readonly CertificateFault[];
  /** Why no response is stapled that should be. */
  readonly warnings: readonly string[];
  /** Null: nothing has changed. */
  readonly certificates: Certificates | null;
}

export function renewCertificates({ sources, former }: RenewalRequest): Renewal {
  const { certificates, diagnostics, ofUnused } = readCertificates(sources, Date.now(), former);
  const errors = diagnostics.filter((one) => one.severity === 'error' && !ofUnused.has(one));
  const refusals = [...new Set(errors.map(formatDiagnostic))];
  const { faults } = certificates;
  const warnings = diagnostics.filter(({ code }) => code === 'bad-ocsp').map(formatDiagnostic);
  const lacked = new Set(
    former.listeners.filter(({ entries }) => entries.length === 0).map(({ listener }) => listener),
  );
  const isWhole =
    certificates.listeners.every(({ entries, listener }) => entries.length > 0 || lacked.has(listener)) &&
    certificates.upstreams.every((now, i) => {
      const before = former.upstreams[i];
      return (
        (now.trust === null) === (before.trust === null) && (now.certificate === null) === (before.certificate === null)
      );
    });
  return { refusals, faults, warnings, certificates: isWhole && differs(former, certificates) ? certificates : null };
}

/** The plan with these in place of its own. */
export function withCertificates(plan: Plan, certificates: Certificates): Plan {
  const files = new Map(certificates.listeners.map((one) => [one.listener, one]));
  const upstreamFiles = upstreamFilesOf(certificates);
  return {
    ...plan,
    upstreams: plan.upstreams.map((upstream) => {
      const own = upstreamFiles.get(upstream.name);
      if (own === undefined) return upstream;
      const { health, tls } = upstream;
      // those that have no `tls` of their own follow their upstream's
      const checks = own.checks ?? own.servers;
      return {
        ...upstream,
        tls: withFiles(tls, own.servers),
        health: withCheckFiles(health, checks),
        servers: upstream.servers.map((server) =>
          server.health === null ? server : { ...server, health: withCheckFiles(server.health, checks) },
        ),
      };
    }),
    listeners: plan.listeners.map((listener) => {
      const own = files.get(listener.name);
      return listener.tls === null || own === undefined
        ? listener
        : { ...listener, tls: { ...listener.tls, entries: own.entries, tickets: own.tickets } };
    }),
  };
}

function withCheckFiles(health: HealthPlan | null, files: ServersTlsFiles | null): HealthPlan | null {
  return health === null ? null : { ...health, tls: withFiles(health.tls, files) };
}

function withFiles(tls: ServersTlsPlan | null, files: ServersTlsFiles | null): ServersTlsPlan | null {
  return tls === null || files === null ? tls : { ...tls, ...files };
}

/** `listener web: a.pem is valid until 2027-02-01T12:00:00Z`, of those that are new. */
export function describeRenewal(former: Certificates, { listeners, upstreams }: Certificates): readonly string[] {
  const known = new Set(former.credentials.map(({ id }) => id));
  const describe = (owner: string, certificates: readonly CertificateFacts[]): readonly string[] =>
    certificates
      .filter(({ id }) => !known.has(id))
      .map(({ files, notAfterMs, stapledUntilMs }) => {
        const response = stapledUntilMs === null ? '' : ', with an OCSP response';
        return `${owner}: ${files.certificate} is valid until ${timeText(notAfterMs)}${response}`;
      });
  return [
    ...listeners.flatMap(({ listener, certificates }) => describe(`listener ${listener}`, certificates)),
    ...upstreams.flatMap(({ upstream, certificate }) =>
      certificate === null ? [] : describe(`upstream ${upstream}`, [certificate]),
    ),
  ];
}

/** `certificates of clients are judged by ca.pem and clients.crl as they are now`, of those that are new. */
export function describeAuthorities(former: Certificates, { authorities }: Certificates): readonly string[] {
  const known = new Set(former.authorities.map(({ id }) => id));
  return authorities
    .filter(({ id }) => !known.has(id))
    .map(({ files }) => {
      const names = Object.values(files)
        .flat()
        .filter((file): file is string => file !== null);
      const whose = 'ca' in files ? 'servers' : 'clients';
      return `certificates of ${whose} are judged by ${names.join(' and ')} as they are now`;
    });
}

function differs(former: Certificates, certificates: Certificates): boolean {
  const hasOther = contentOf(former) !== contentOf(certificates);
  return hasOther || replacedTickets(former, certificates).length > 0;
}

/** The files of tickets' keys that have others now. */
export function replacedTickets(former: Certificates, { ticketSources }: Certificates): readonly string[] {
  const known = new Map(former.ticketSources.map(({ id, bytes }) => [id, bytes]));
  return ticketSources
    .filter(({ id, bytes }) => {
      const before = known.get(id) ?? [];
      return bytes.some((one, i) => i >= before.length || Buffer.compare(one, before[i]) !== 0);
    })
    .map(({ id }) => (JSON.parse(id) as string[]).slice(1).join(' and '));
}

function contentOf({ listeners, upstreams }: Certificates): string {
  return JSON.stringify([listeners, upstreams]);
}
