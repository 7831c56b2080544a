/** How one instance stands as a whole: what each of its parts tells of itself, put together for whoever asks. */
import type { AnnounceStatus } from '../api/announcements.ts';
import type { TlsStatus } from '../api/certificates.ts';
import type { PairNodeView } from '../api/nodes.ts';
import type { Answer } from '../api/operations.ts';
import type {
  ConfigurationView,
  ProcessView,
  DataPlaneStatus,
  NodeView,
  PeersStatus,
  StatusDocument,
} from '../api/status.ts';
import type { HaStatus } from '../api/virtual-routers.ts';
import { bounded, LISTED_MAX, type NodeSummary } from '../core/peers/node-summary.ts';
import { parsePointer, valueAt } from '../config/change/pointer.ts';
import { JsonText } from '../keeper/api/app.ts';
import { type BeatAges, type DataPlaneFacts, upstreamView } from '../keeper/api/status.ts';
import type { AnnounceKeeper } from '../keeper/announce/announce-keeper.ts';
import type { HaKeeper } from '../keeper/ha/ha-keeper.ts';
import type { Keeper } from '../keeper/keeper.ts';
import { type Overrides, overrideText } from '../keeper/overrides.ts';
import type { LoadedConfiguration } from '../load/loaded-configuration.ts';
import { figuresOf } from '../io/linux/process-figures.ts';
import { faultTexts } from '../load/tls/faults.ts';
import type { CertificateSupply } from './certificate-supply.ts';
import type { ConfigurationByApi } from './configuration-by-api.ts';
import type { CertificateFacts } from '../load/tls/certificates.ts';
import type { Discoveries } from './discovery/discoveries.ts';
import { expiredTexts } from './expiry-log.ts';
import type { InForce } from './in-force.ts';
import type { Reloader } from './reloader.ts';
import { opensslProblem, tlsStatus } from './tls-status.ts';

export interface NodeStatusOptions {
  readonly version: string;
  readonly configuration: LoadedConfiguration;
  readonly byApi: Pick<ConfigurationByApi, 'rollbackInMs' | 'unstored'>;
  readonly reloader: Pick<Reloader, 'account'>;
  /** What is less than it should be from the start on. */
  readonly problems: readonly string[];
  readonly keeper: Pick<Keeper, 'facts' | 'status'>;
  readonly beats: BeatAges;
  readonly discoveries: Pick<Discoveries, 'view'>;
  readonly overrides: Pick<Overrides, 'views' | 'unstored'>;
  readonly inForce: Pick<InForce, 'certificates' | 'loaded'>;
  readonly supply: Pick<CertificateSupply, 'views' | 'peersStatus' | 'ownNode'>;
  /** Why the admin API is not where it should be; null: it is. */
  readonly adminProblem: () => string | null;
  readonly adminCertificate: () => CertificateFacts | null;
  /** Null: there are no virtual addresses. */
  readonly ha: () => Pick<HaKeeper, 'status' | 'unstored'> | null;
  /** Null: nothing is announced. */
  readonly announce: () => Pick<AnnounceKeeper, 'status'> | null;
  readonly isStopping: () => boolean;
}

export class NodeStatus {
  private readonly options: NodeStatusOptions;
  private readonly startedMs = performance.now();

  constructor(options: NodeStatusOptions) {
    this.options = options;
  }

  /** Everything at once. */
  whole(): StatusDocument {
    const { keeper, beats, discoveries, overrides } = this.options;
    return this.wholeWith(keeper.status(beats, overrides.views(), (upstream) => discoveries.view(upstream)));
  }

  /** The same, with the data plane as it was found. */
  wholeWith(dataPlane: DataPlaneStatus): StatusDocument {
    const processes = processViews(dataPlane.proxies);
    const { ha, tls, peers } = { ha: this.ha(), tls: this.tls(), peers: this.peers() };
    return { format: 1, ...this.node(), ha, announce: this.announce(), tls, peers, ...dataPlane, processes };
  }

  node(): NodeView {
    const { version, byApi, overrides, ha, isStopping } = this.options;
    return {
      version,
      pid: process.pid,
      isStopping: isStopping(),
      uptimeMs: this.uptimeMs,
      at: new Date().toISOString(),
      configuration: this.configurationView,
      problems: this.problems,
      unstored: [overrides.unstored, ha()?.unstored ?? null, byApi.unstored].filter((each) => each !== null),
    };
  }

  dataPlane(): DataPlaneFacts {
    const { keeper, beats, discoveries, overrides } = this.options;
    return keeper.facts(beats, overrides.views(), (upstream) => discoveries.view(upstream));
  }

  ha(): HaStatus | null {
    return this.options.ha()?.status() ?? null;
  }

  announce(): AnnounceStatus | null {
    return this.options.announce()?.status() ?? null;
  }

  tls(): TlsStatus | null {
    const { adminCertificate, inForce, supply } = this.options;
    return tlsStatus(inForce.certificates, adminCertificate(), supply.views(), Date.now());
  }

  peers(): PeersStatus | null {
    return this.options.supply.peersStatus();
  }

  /** This one first. */
  nodes(): readonly PairNodeView[] {
    const { supply } = this.options;
    return [supply.ownNode(), ...(supply.peersStatus()?.nodes ?? [])];
  }

  /** What peers are told: of many upstreams the first ones. */
  summary(): NodeSummary {
    const { uptimeMs, problems } = this;
    const facts = this.dataPlane();
    return bounded(
      {
        uptimeMs,
        isStopping: this.options.isStopping(),
        routers: (this.ha()?.routers ?? []).map(({ name, state, restraint }) => {
          return { name, state, restraint: restraint?.reason ?? null };
        }),
        announcements: (this.announce()?.announcements ?? []).map(({ name, state, stateAgeMs: ageMs, obstacle }) => {
          return { name, state, ageMs, obstacle };
        }),
        upstreams: facts.plan.upstreams.slice(0, LISTED_MAX).map((_, index) => upstreamSummary(facts, index)),
        overrides: facts.overrides.map(({ subject, by, ageMs, file, ...said }) => {
          return { subject, said: overrideText(said, file), by, ageMs };
        }),
        problems,
      },
      Math.max(0, facts.plan.upstreams.length - LISTED_MAX),
    );
  }

  configuration(): Answer<'configuration'> {
    const { configuration, inForce } = this.options;
    const config = new JsonText(inForce.loaded.canonical) as unknown as Answer<'configuration'>['config'];
    return { ...this.configurationView, origin: configuration.origin(), config };
  }

  /** A part of it; `at` is a JSON Pointer. Throws ChangeError. */
  configurationPart(at: string): unknown {
    const { canonical } = this.options.inForce.loaded;
    return at === '' ? new JsonText(canonical) : valueAt(JSON.parse(canonical), parsePointer(at));
  }

  private get uptimeMs(): number {
    return performance.now() - this.startedMs;
  }

  private get problems(): readonly string[] {
    const { configuration, problems, inForce, adminCertificate, adminProblem } = this.options;
    const { certificates } = inForce;
    return [
      ...problems,
      ...[this.opensslProblem, adminProblem(), configuration.drift].filter((each) => each !== null),
      ...faultTexts(certificates),
      ...expiredTexts(certificates, adminCertificate(), Date.now()),
    ];
  }

  private get configurationView(): ConfigurationView {
    const { configuration, byApi, reloader } = this.options;
    const { applied, refused, isRefused, appliedAtMs } = reloader.account;
    const ageMs = performance.now() - appliedAtMs;
    return { ...configuration.view(byApi.rollbackInMs), ageMs, applied, refused, isRefused };
  }

  /** Of the OpenSSL that is in use, if any is. */
  get opensslProblem(): string | null {
    const { listeners, upstreams } = this.options.inForce.certificates;
    return listeners.length + upstreams.length === 0 ? null : opensslProblem(process.versions.openssl, Date.now());
  }
}

function upstreamSummary(facts: DataPlaneFacts, index: number): NodeSummary['upstreams'][number] {
  const { name, servers } = upstreamView(facts, index);
  const up = servers.filter(({ state }) => state === 'up' || state === 'unchecked').length;
  return { name, up, servers: servers.length };
}

function processViews(proxies: DataPlaneStatus['proxies']): readonly ProcessView[] {
  const all = [{ name: 'keeper', pid: process.pid }, ...proxies.map(({ pid }, i) => ({ name: `proxy ${i}`, pid }))];
  return all.flatMap(({ name, pid }) => {
    const figures = pid === 0 ? null : figuresOf(pid);
    return figures === null ? [] : [{ name, pid, ...figures }];
  });
}
