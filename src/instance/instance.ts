/**
 * All of one running evenkeel: the data plane, the virtual addresses in front of it, and the socket on which it is asked.
 * What is here is the order of things: addresses are taken when everything serves, and are with a peer before anything
 * stops to serve.
 */
import { hostname } from 'node:os';
import { systemReason } from '../base/system-error.ts';
import type { Manner } from '../commands/manner.ts';
import type { PeersPlan } from '../config/plan/peers.ts';
import type { SecretsByNode } from '../core/peers/ticket-secrets.ts';
import { linuxHost } from '../io/linux/host.ts';
import { linuxRendezvous } from '../io/linux/rendezvous.ts';
import { peerUser } from '../io/linux/peer-user.ts';
import { findUser } from '../io/linux/users.ts';
import { AdminPort } from '../keeper/api/admin-port.ts';
import { AdminSocket, SocketTakenError } from '../keeper/api/admin-socket.ts';
import { type Handlers, NotNowError } from '../keeper/api/app.ts';
import { BEAT_LOOK_MS, BeatAges, countsOf } from '../keeper/api/status.ts';
import { TokenFile } from '../keeper/api/tokens.ts';
import type { Events } from '../keeper/api/events.ts';
import { ApplyError } from '../keeper/apply-error.ts';
import { NODE } from '../core/overrides.ts';
import type { Standing } from '../core/peers/leave.ts';
import type { HaKeeper, MoveResult } from '../keeper/ha/ha-keeper.ts';
import { Keeper } from '../keeper/keeper.ts';
import type { Log } from '../keeper/log/log.ts';
import { type Order, Overrides, overridesFile } from '../keeper/overrides.ts';
import { identifyProgram } from '../keeper/program-identity.ts';
import { StrayProxies } from '../keeper/proxies/stray-proxies.ts';
import { StartError } from '../keeper/start-error.ts';
import type { Print } from '../load/config-file.ts';
import { findFilesUser } from '../load/files-user.ts';
import type { Comparison, Loaded, LoadRequest, LoadResult } from '../load/load.ts';
import { type FixedAtStart, LoadedConfiguration } from '../load/loaded-configuration.ts';
import { originText } from '../load/origin.ts';
import type { AdminTls, AdminTlsFiles } from '../load/tls/admin.ts';
import { NO_CERTIFICATES } from '../load/tls/certificates.ts';
import type { Renewal, RenewalRequest } from '../load/tls/renewal.ts';
import type { ProcessUser } from '../port/host.ts';
import { AdminDoor } from './admin-door.ts';
import { AnnouncePart } from './announce-part.ts';
import { adminHandlers, type OrderResult } from './admin.ts';
import { CertificateSupply } from './certificate-supply.ts';
import { ConfigurationByApi } from './configuration-by-api.ts';
import { Discoveries, foundServersFile } from './discovery/discoveries.ts';
import { Explainer } from './explainer.ts';
import { ExpiryLog } from './expiry-log.ts';
import { HaPart } from './ha-part.ts';
import { InForce } from './in-force.ts';
import { NodeStatus } from './node-status.ts';
import { Reloader, ReloadError } from './reloader.ts';
import { Renewals } from './renewals.ts';
import type { ServiceState } from './service-state.ts';
import { forwardingTable } from './socket-path.ts';
import type { Estate, Succession } from './upgrade/succession.ts';
import { type Successor, UpgradeError, Upgrader } from './upgrade/upgrader.ts';
import { Wards } from './upgrade/wards.ts';

export interface InstanceOptions {
  readonly loaded: Loaded;
  /** Reads the configuration again, as a start would. Null: it cannot be run, and why has been printed. */
  readonly read: (print: Print) => Promise<Loaded | null>;
  /** Reads another one, for the admin API. */
  readonly readOther: (source: NonNullable<LoadRequest['source']>) => Promise<LoadResult>;
  /** What the files say now, beside a configuration. */
  readonly compare: (config: string) => Promise<Comparison>;
  /** Reads the certificate of the admin API again. */
  readonly readAdminTls: (files: AdminTlsFiles) => Promise<AdminTls>;
  /** Where the configuration is kept that is set by the admin API. Null: it cannot be. */
  readonly storePath: string | null;
  /** Reads the certificates of what runs again. */
  readonly renewCertificates: (request: RenewalRequest) => Promise<Renewal>;
  readonly proxyUser: ProcessUser | null;
  /** What is less than it should be from the start on. */
  readonly problems: readonly string[];
  readonly version: string;
  /** What a reload does not change. */
  readonly fixed: FixedAtStart;
  readonly service: ServiceState;
  /** Null: it succeeds nobody. */
  readonly succession: Succession | null;
  readonly inherited: Estate | null;
  /** A service manager keeps the listening sockets, and starts another keeper if this one ends without a word. */
  readonly isManaged: boolean;
  /** It stays for as long as its successors. */
  readonly isParent: boolean;
  /** The most that a file may ask for. */
  readonly workersMax: number;
  readonly log: Log;
  /** What it says. */
  readonly events: Events;
  /** Runs this program's main file: the interpreter, the file. */
  readonly command: readonly [string, string];
  readonly proxyCommand: readonly [string, ...string[]];
  /** The same of processes that proxies ask. */
  readonly ownServerCommand: readonly [string, ...string[]];
  /** Null: there is no place for one. */
  readonly socketPath: string | null;
  /** Without it something is missing that the operator counts on. */
  readonly isSocketWanted: boolean;
  /** Where changes to the machine are written down, for a successor. */
  readonly runDirectory: string;
  /** Where hand-overs are written down, for a restart. */
  readonly stateDirectory: string;
  /** Virtual routers do not preempt. */
  readonly isRestrained: boolean;
  readonly manner: Pick<
    Manner,
    'staysInForeground' | 'startsWhole' | 'handleLoaded' | 'handleReloadRefused' | 'graceMs' | 'writeStatus'
  >;
}

type Ready = Loaded['ready'];

/** The files of the dashboard, beside the program. */
const DASHBOARD = new URL('../../dashboard/', import.meta.url);

const ROUTERS_STARTING = 'the virtual routers have not started yet; try again';
const UPGRADE_UNDER_WAY = 'an upgrade is under way; try again when it is over';
const STOPPING = 'this evenkeel is stopping';
/** How often what could not be written down is tried again. */
const STORE_AGAIN_MS = 5_000;

/** Of who says nothing of themselves. */
const CONTROL_SOCKET = 'the control socket';
/** What to do about another one that answers there. */
const OTHER_SOCKET =
  'start this one with `--socket PATH`: until then `status`, `reload` and orders go to the other one';

export class Instance {
  private readonly options: InstanceOptions;
  private readonly keeper: Keeper;
  private readonly strays: StrayProxies | null;
  private readonly beats: BeatAges;
  private readonly reloader: Reloader;
  private readonly overrides: Overrides;
  private readonly discoveries: Discoveries;
  private readonly inForce: InForce;
  private readonly configuration: LoadedConfiguration;
  private readonly byApi: ConfigurationByApi;
  readonly renewals: Renewals;
  private readonly haPart: HaPart;
  private readonly announcePart: AnnouncePart;
  private readonly upgrader: Upgrader;
  readonly wards = new Wards();
  /** The program on disk for which an upgrade was tried unasked. */
  private followed = '';
  private readonly status: NodeStatus;
  private control: AdminSocket | null = null;
  private readonly adminDoor: AdminDoor;
  private readonly explainer = new Explainer();
  private looking: NodeJS.Timeout | undefined;
  private storing: NodeJS.Timeout | undefined;
  private readonly expiry: ExpiryLog;
  private readonly supply: CertificateSupply;
  private isStarting = true;
  /** A predecessor is, until it has given way. */
  private isInCharge: boolean;
  private isStopping = false;
  private isOver = false;
  /** It has been succeeded, and nothing is left here. */
  private hasFinished = false;

  constructor(options: InstanceOptions) {
    const { loaded, read, workersMax, log, proxyCommand, proxyUser, inherited, isParent, service, manner } = options;
    this.options = options;
    this.isInCharge = options.succession === null;
    this.strays = this.createStrays();
    this.keeper = new Keeper({
      workersMax,
      host: linuxHost,
      log,
      user: proxyUser,
      proxyCommand,
      ownServerCommand: options.ownServerCommand,
      findFilesUser,
      findUser,
      mayBeIdle: () => hasAddresses(this.inForce.wanted),
      startsWhole: manner.startsWhole,
      // An nginx whose processes are looked for is one that serves.
      proxyTitles: loaded.ready.processes === null ? 'own' : 'borrowed',
      inherited,
      forwardingTable: forwardingTable(options.socketPath),
      strays: this.strays,
      onOtherProgram: () => this.followDisk(),
    });
    this.upgrader = new Upgrader({
      keeper: this.keeper,
      counts: () => countsOf(this.keeper.status(this.beats, []), this.keeper.trafficMemories),
      overrides: () => this.overrides.memories,
      ticketSecrets: () => this.supply.ticketSecrets,
      ha: () => this.haPart.keeper,
      log,
      command: [process.execPath, ...process.execArgv, ...process.argv.slice(1)] as [string, ...string[]],
      wards: isParent ? this.wards : null,
      graceMs: () => this.graceMs,
      findObstacle: () => this.findUpgradeObstacle(),
      onKeeperGone: async () => this.strays?.lookSoon(),
      onHandOver: (pid) => service.handOver(isParent ? null : pid),
    });
    const node = loaded.ready.ha?.node ?? loaded.ready.node ?? hostname();
    const file = overridesFile(options.stateDirectory, node, log);
    this.overrides = new Overrides({
      file,
      inherited: inherited?.overrides ?? null,
      log,
      takeIdled: () => this.keeper.takeIdled(),
      unixMs: Date.now,
    });
    this.discoveries = new Discoveries({
      file: foundServersFile(options.stateDirectory, node, log),
      log,
      onFound: () => this.applyFound(),
      now: () => performance.now(),
    });
    const { keeper, overrides, discoveries } = this;
    this.inForce = new InForce({ loaded, keeper, overrides, discoveries });
    this.haPart = new HaPart({
      keeper,
      inForce: this.inForce,
      overrides,
      log,
      command: options.command,
      runDirectory: options.runDirectory,
      stateDirectory: options.stateDirectory,
      isRestrained: options.isRestrained,
      staysInForeground: manner.staysInForeground,
      notifyServiceManager: (state) => service.notify(state),
      graceMs: () => this.graceMs,
      onOtherProgram: () => this.followDisk(),
      agreeToGo: (routers, by, go) =>
        this.supply.leave(routers, by, () => (this.isUpgrading ? { kind: 'refused', why: UPGRADE_UNDER_WAY } : go())),
    });
    this.announcePart = new AnnouncePart({ keeper, overrides, log });
    this.renewals = new Renewals({
      inForce: this.inForce,
      readCertificates: options.renewCertificates,
      isOver: () => this.isStopping || this.isUpgrading,
      onCertificates: () => this.expiry.look(),
      onWhole: () => this.ha?.handleCertificatesWhole(),
      log,
    });
    const current = (): Loaded => this.inForce.loaded;
    this.reloader = new Reloader({
      log,
      read: async (print) => {
        const why = this.byApi.findReadingObstacle();
        if (why !== null) throw new NotNowError(why);
        return read(print);
      },
      current,
      apply: (next, commit) => this.apply(next, commit),
      tellRefused: manner.handleReloadRefused,
    });
    this.byApi = new ConfigurationByApi({
      reloader: this.reloader,
      current,
      load: options.readOther,
      storePath: options.storePath,
      onRolledBack: () => void this.renewals.renewCertificates(),
      log,
    });
    this.configuration = new LoadedConfiguration(current, options.fixed);
    this.beats = new BeatAges(this.keeper.board, performance.now());
    this.expiry = new ExpiryLog(
      log,
      () => this.inForce.certificates,
      () => this.adminDoor.certificate,
    );
    this.supply = new CertificateSupply({
      keeper,
      stateDirectory: options.stateDirectory,
      node,
      heard: secretsOf(loaded.ready.peers, inherited?.ticketSecrets ?? {}),
      version: options.version,
      publish: (proofs) =>
        this.inForce.change(async () => {
          if (this.isStopping || this.isOver) return;
          if (this.isUpgrading) throw new NotNowError(UPGRADE_UNDER_WAY);
          await this.inForce.publish(proofs);
        }),
      self: {
        configuration: () => this.inForce.loaded.identity,
        summary: () => this.status.summary(),
        standing: () => this.standing(),
      },
      onObtained: () => void this.renewals.renewCertificates(),
      log,
    });
    this.status = new NodeStatus({
      version: options.version,
      configuration: this.configuration,
      byApi: this.byApi,
      reloader: this.reloader,
      problems: options.problems,
      keeper,
      beats: this.beats,
      discoveries,
      overrides,
      inForce: this.inForce,
      supply: this.supply,
      adminProblem: () => this.adminDoor.problem,
      adminCertificate: () => this.adminDoor.certificate,
      ha: () => this.ha,
      announce: () => this.announcePart.keeper,
      isStopping: () => this.isStopping,
    });
    const port = new AdminPort({
      handlers: this.handlers(),
      version: options.version,
      tokens: new TokenFile(options.stateDirectory),
      pages: DASHBOARD,
      log,
    });
    this.adminDoor = new AdminDoor({ port, read: options.readAdminTls, log });
  }

  /** Resolves when everything serves, with what there is: `web *:80, VI_1 on eth0`. Rejects with StartError. */
  async start(): Promise<string> {
    const { succession, inherited, isManaged, log } = this.options;
    const served = await this.inForce.start();
    if (this.isOver) return served;
    this.expiry.start();
    this.renewals.handleCertificates(NO_CERTIFICATES);
    const problem = this.status.opensslProblem;
    if (problem !== null) log.warn(problem);
    this.tellSetByApi();
    this.looking = setInterval(() => this.beats.look(performance.now()), BEAT_LOOK_MS).unref();
    this.storing = setInterval(() => this.storeAgain(), STORE_AGAIN_MS).unref();
    if (inherited?.ha) await this.orEnd(this.haPart.prepare(inherited.ha));
    // Before anything is given up for it.
    if (!isManaged) this.keeper.outlive();
    if (succession === null) await this.openControl();
    else await this.takeOver(succession);
    const routers = this.isOver ? '' : await this.orEnd(this.haPart.start());
    const { announce } = this.inForce.loaded.ready;
    const announced = this.isOver ? '' : await this.orEnd(this.announcePart.start(announce));
    this.isStarting = false;
    this.supply.apply(this.inForce.loaded.ready);
    return [served, routers, announced].filter((text) => text !== '').join(', ');
  }

  /** Goes on by what the file says now. Resolves with what has changed; rejects with ReloadError or NotNowError, and then nothing has. */
  async reload(by: string): Promise<readonly string[]> {
    if (this.isStopping) {
      this.options.log.warn(`reload by ${by} refused: ${STOPPING}`);
      throw new ReloadError(STOPPING);
    }
    return this.options.service.during(() => this.reloader.reload(by));
  }

  /** Gives way to the program that is on disk now. Resolves when that is in charge; rejects with UpgradeError. */
  upgrade(by: string): Promise<Successor> {
    return this.options.service.during(async () => {
      const { upgraded } = await this.inForce.change(async () => ({ upgraded: this.upgrader.upgrade(by) }));
      return upgraded;
    });
  }

  /** Nothing can be changed here. */
  get isUpgrading(): boolean {
    return this.upgrader.isUnderWay;
  }

  /** Resolves when another keeper is in charge. */
  get succeeded(): Promise<Successor> {
    return this.upgrader.succeeded;
  }

  /** Later ones than that. */
  onInCharge(handle: (pid: number) => void): void {
    this.upgrader.onInCharge = handle;
  }

  /** To be called then. Resolves when everything that was under way here is finished, or its time is over. */
  async giveWay(addresses: readonly string[]): Promise<void> {
    this.announcePart.keeper?.letGo();
    this.supply.stop();
    this.discoveries.stop();
    this.adminDoor.finish();
    this.options.events.close();
    const given = Promise.all([
      this.keeper.giveWay(addresses),
      this.ha?.finish(this.inForce.loaded.ready.plan.drainMs),
    ]);
    this.upgrader.onFinish((graceMs) => this.hasten(graceMs));
    await given;
    this.hasFinished = true;
    await this.upgrader.sayFinished();
    this.close();
  }

  /** Then it has so long. */
  hasten(graceMs: number): void {
    const { log } = this.options;
    if (this.hasFinished) return void this.upgrader.sayFinished();
    const left = this.keeper.connections();
    log.warn(
      `replaced, and told to end: what is open is cut${graceMs === 0 ? '' : ` in ${graceMs / 1_000} s`}: ${left}`,
    );
    this.keeper.hasten(graceMs);
  }

  /** Open ones by listener, `web 12, ssh 1`; empty: there are none. */
  connections(): string {
    return this.keeper.connections();
  }

  /** How long `stop` takes at most. */
  get graceMs(): number {
    return this.options.manner.graceMs(this.inForce.loaded);
  }

  /** What a signal asks for, short of an end. Rejects as what it asks for does. */
  async obey(meaning: 'reload' | 'upgrade' | 'reopen' | 'rest' | 'dump' | 'statistics', signal: string): Promise<void> {
    switch (meaning) {
      case 'reload':
        await this.reload(signal);
        return;
      case 'upgrade':
        await this.upgrade(signal);
        return;
      case 'reopen':
        return this.reopenLogs(signal).catch(() => undefined);
      case 'rest':
        return this.rest(signal);
      case 'dump':
      case 'statistics':
        return this.options.manner.writeStatus(meaning, this.status.whole());
    }
  }

  /** Access logs go to files of the same names, which may be others by now. */
  private reopenLogs(by: string): Promise<void> {
    return this.inForce.change(async () => {
      try {
        await this.keeper.reopenLogs();
        this.options.log.info(`${by}: access logs are opened again`);
      } catch (error) {
        this.options.log.error(`${by}: access logs go where they went: ${(error as Error).message}`);
        throw error;
      }
    });
  }

  /** The proxies finish and go; the listening sockets stay. A reload starts others. */
  private rest(by: string): Promise<void> {
    return this.inForce.change(async () => {
      this.options.log.info(`${by}: the proxies finish what is in flight and end; a reload starts others`);
      await this.keeper.rest();
    });
  }

  /** Without waiting for what is under way: only the addresses are handed over first. */
  async end(): Promise<void> {
    this.isStopping = true;
    await this.releaseAddresses();
    this.kill();
  }

  /** Resolves when everything that was under way is finished, or its time is over. */
  async stop(): Promise<void> {
    const { graceMs } = this;
    this.isStopping = true;
    this.supply.stop();
    // While the addresses are here, connections come, and must be served.
    await this.releaseAddresses();
    await Promise.all([this.keeper.stop(graceMs), this.upgrader.stop(graceMs), this.ha?.finish(graceMs)]);
    this.close();
  }

  /** Ends everything now. */
  kill(): void {
    // First: a successor that is to go on with the addresses must not, when they are given up.
    this.upgrader.kill();
    this.ha?.kill();
    this.announcePart.keeper?.kill();
    this.keeper.kill();
    this.close();
  }

  /**
   * It does not come into charge. What the proxies of a successor have accepted at the predecessor's sockets they finish, as if this
   * process had been killed: it is to end now.
   */
  giveUp(): void {
    if (this.isInCharge) return this.kill();
    this.ha?.kill();
    this.announcePart.keeper?.letGo();
    this.close();
  }

  // --- inside ---

  private createStrays(): StrayProxies | null {
    const { socketPath, log, isParent } = this.options;
    if (socketPath === null) return null;
    return new StrayProxies({
      host: linuxRendezvous,
      path: socketPath,
      log,
      onGone: (pid) => void (isParent && pid > 0 && this.wards.ended(pid)),
      now: () => performance.now(),
    });
  }

  /** Once for each program that comes to be there. */
  private followDisk(): void {
    // At the start there is nothing to keep: it fails.
    if (this.control === null) return;
    const program = identifyProgram();
    if (program === this.followed) return;
    this.followed = program;
    this.upgrade('a process that had to be replaced').catch((error: unknown) => {
      if (error instanceof UpgradeError && error.isPassing) this.followed = '';
    });
  }

  private async takeOver(succession: Succession): Promise<void> {
    const { ha } = this;
    const words = await succession.takeOver(this.keeper.openAddresses, async () => ha?.watch());
    this.isInCharge = true;
    if (words !== null) this.keeper.recall(words.counts);
    this.options.service.ready();
    this.keeper.settle();
    await ha?.adopt(words?.ha ?? { routers: [], restraints: [] });
    await this.openControl();
    this.upgrader.follow(succession);
  }

  /** A successor has its own say in the same files. */
  private storeAgain(): void {
    if (this.isUpgrading) return;
    this.overrides.storeAgain();
    this.discoveries.storeAgain();
    this.ha?.storeAgain();
    this.byApi.storeAgain();
  }

  private apply(loaded: Loaded, commit: () => void): Promise<void> {
    return this.inForce.change(async () => {
      if (this.isStopping) throw new NotNowError(STOPPING);
      if (this.isUpgrading) throw new NotNowError(UPGRADE_UNDER_WAY);
      const former = this.inForce.certificates;
      const { announce, ha } = loaded.ready;
      await this.inForce.apply(loaded, { next: () => this.applyAddresses(announce, ha) });
      commit();
      this.renewals.handleCertificates(former);
      this.supply.apply(loaded.ready);
      this.adminDoor.apply(loaded.ready.plan.admin, loaded.ready.adminTls);
      this.options.manner.handleLoaded(loaded, true);
    });
  }

  private applyFound(): Promise<void> {
    return this.inForce.change(async () => {
      if (this.isStopping || this.isOver) return;
      if (this.isUpgrading) throw new NotNowError(UPGRADE_UNDER_WAY);
      await this.inForce.apply(this.inForce.loaded);
    });
  }

  private order(order: Order): Promise<OrderResult> {
    const { subject, state } = order.change;
    const isLeaving = subject === NODE && state === 'drain' && !this.overrides.isNodeDrained;
    return isLeaving ? this.supply.leave(null, order.by, () => this.orderAlone(order)) : this.orderAlone(order);
  }

  private orderAlone(order: Order): Promise<OrderResult> {
    return this.inForce.change(async () => {
      if (this.isUpgrading) return { kind: 'refused', why: UPGRADE_UNDER_WAY };
      const { loaded } = this.inForce;
      const why = this.overrides.whyUnknown(this.inForce.plan, order.change.subject);
      if (why !== null) return { kind: 'unknown', why };
      try {
        const text = await this.inForce.apply(loaded, { order });
        this.supply.tellPeers();
        return { kind: 'done', text };
      } catch (error) {
        if (!(error instanceof ApplyError)) throw error;
        return { kind: 'refused', why: error.message };
      }
    });
  }

  private close(): void {
    this.isOver = true;
    this.byApi.close();
    this.expiry.stop();
    this.discoveries.stop();
    this.supply.stop();
    clearInterval(this.looking);
    clearInterval(this.storing);
    this.control?.close();
    this.adminDoor.close();
  }

  private get ha(): HaKeeper | null {
    return this.haPart.keeper;
  }

  /** Both or neither. */
  private async applyAddresses(announce: Ready['announce'], ha: Ready['ha']): Promise<void> {
    const former = this.inForce.loaded.ready.announce;
    await this.announcePart.apply(announce);
    await this.haPart.apply(ha).catch(async (error: unknown) => {
      await this.announcePart.apply(former);
      throw error;
    });
  }

  /** Resolves when nobody expects this node to serve any more. */
  private async releaseAddresses(): Promise<void> {
    await Promise.all([this.ha?.release(), this.announcePart.keeper?.release()]);
  }

  /** A start without the virtual addresses is none. */
  private async orEnd<T>(started: Promise<T>): Promise<T> {
    try {
      return await started;
    } catch (error) {
      this.giveUp();
      throw new StartError((error as Error).message);
    }
  }

  private async openControl(): Promise<void> {
    const { socketPath, isSocketWanted, log } = this.options;
    const { plan, adminTls } = this.inForce.loaded.ready;
    this.adminDoor.apply(plan.admin, adminTls);
    try {
      if (socketPath === null) throw new Error('there is no directory for it; say where with --socket');
      this.control = await AdminSocket.open({
        path: socketPath,
        succeeds: this.options.succession !== null,
        handlers: this.handlers(),
        version: this.options.version,
        peerUser,
        log,
      });
    } catch (error) {
      // Two of one machine, with the same addresses to hold and to let go.
      if (error instanceof SocketTakenError && hasAddresses(this.inForce.loaded)) {
        this.kill();
        const first = error.isStopping ? 'start again when it has ended' : 'stop that one first';
        throw new StartError(`${error.message}: ${first}, or give one of them another --socket`);
      }
      const remedy = error instanceof SocketTakenError ? `; ${OTHER_SOCKET}` : '';
      const message = `no socket for \`evenkeel status\` at ${socketPath ?? 'any place'}: ${systemReason(error)}${remedy}`;
      if (isSocketWanted || error instanceof SocketTakenError) log.warn(message);
      else log.info(message);
    }
  }

  private handlers(): Handlers {
    return adminHandlers({
      status: this.status,
      events: this.options.events,
      explainer: this.explainer,
      failedRequests: this.keeper.failedRequests,
      generations: () => this.keeper.generations(),
      isStopping: () => this.isStopping,
      whyUnready: () => this.whyUnready(),
      reload: (by) => this.reload(by ?? CONTROL_SOCKET),
      upgrade: (by) => this.upgrade(by ?? CONTROL_SOCKET),
      reopenLogs: (by) => this.reopenLogs(by ?? CONTROL_SOCKET),
      configuration: this.byApi,
      compare: () => this.options.compare(this.inForce.loaded.config),
      order: (order) => this.order(order),
      handOver: (router, forMs, by) => this.move((ha) => ha.handOver(router, forMs, by)),
      resume: (router, by) => this.move((ha) => ha.resume(router, by)),
    });
  }

  /** For peers that are to go. */
  private standing(): Standing {
    const routers = (this.ha?.status().routers ?? []).map(({ name, state, restraint }) => {
      return { name, state, restraint: restraint?.reason ?? null };
    });
    return { isStopping: this.isStopping, isDrained: this.overrides.isNodeDrained, routers };
  }

  private async move(order: Parameters<HaPart['move']>[0]): Promise<MoveResult> {
    if (this.isUpgrading) return { kind: 'refused', why: UPGRADE_UNDER_WAY };
    return this.haPart.move(order);
  }

  private findUpgradeObstacle(): string | null {
    if (this.isStopping) return STOPPING;
    return this.isStarting ? ROUTERS_STARTING : this.byApi.findReadingObstacle();
  }

  private tellSetByApi(): void {
    const { setByApi, origin } = this.inForce.loaded;
    if (setByApi === null) return;
    const { log } = this.options;
    const { drift } = this.configuration;
    const who = setByApi.by === null ? '' : ` by ${setByApi.by}`;
    log.info(
      `the configuration is the one that was set by the API${who} at ${setByApi.at}, and not that of ${originText(origin)}`,
    );
    if (drift !== null) log.warn(drift);
  }

  private whyUnready(): string | null {
    if (this.isStopping) return 'it stops';
    return this.overrides.isNodeDrained ? 'this node is drained: `evenkeel node enable`' : null;
  }
}

/** That come and go with how this node is. */
function hasAddresses({ ready }: Loaded): boolean {
  return ready.ha !== null || ready.announce !== null;
}

/** Of peers that the file does not have any more, nothing is taken. */
function secretsOf(plan: PeersPlan | null, heard: SecretsByNode): SecretsByNode {
  const nodes = plan === null ? [] : [plan.node, ...plan.peers.map(({ name }) => name)];
  return Object.fromEntries(Object.entries(heard).filter(([node]) => nodes.includes(node)));
}
