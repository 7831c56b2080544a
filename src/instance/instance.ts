/**
 * All of one running evenkeel: the data plane, the virtual addresses in front of it, and the socket on which it is asked.
 * What is here is the order of things: addresses are taken when everything serves, and are with a peer before anything
 * stops to serve.
 */
import { findFilesUser } from '../load/files-user.ts';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemReason } from '../base/system-error.ts';
import type { HaPlan } from '../config/ha-plan.ts';
import type { Plan } from '../config/plan.ts';
import { openFifo } from '../io/linux/fifo.ts';
import { linuxHost } from '../io/linux/host.ts';
import { linuxRendezvous } from '../io/linux/rendezvous.ts';
import { findUser } from '../io/linux/users.ts';
import { ControlServer, NotNowError, type OrderResult, SocketTakenError } from '../keeper/api/control-server.ts';
import { AcmeKeeper, acmeMemories } from '../keeper/acme/acme-keeper.ts';
import type { ProxyProof } from '../keeper/acme/challenges.ts';
import { identityIn } from '../keeper/peers/identity.ts';
import { PeersKeeper } from '../keeper/peers/peers-keeper.ts';
import { CertificateSharing } from '../keeper/peers/sharing.ts';
import { runCommand } from '../keeper/ha/command.ts';
import { HaKeeper, type MoveResult } from '../keeper/ha/ha-keeper.ts';
import type { StartRestraint } from '../keeper/ha/restraints.ts';
import { restraintFile } from '../keeper/ha/restraint-file.ts';
import { ApplyError } from '../keeper/apply-error.ts';
import { Keeper } from '../keeper/keeper.ts';
import type { Log } from '../keeper/log/log.ts';
import { askSystem } from '../keeper/servers/names.ts';
import { type Order, Overrides, overridesFile, type Proposal } from '../keeper/overrides.ts';
import { probe } from '../keeper/servers/probe.ts';
import { StartError } from '../keeper/start-error.ts';
import { StrayProxies } from '../keeper/proxies/stray-proxies.ts';
import { BEAT_LOOK_MS, BeatAges, countsOf, type StatusDocument } from '../keeper/api/status.ts';
import { VipLink } from '../keeper/ha/vip-link.ts';
import { identifyProgram } from '../keeper/program-identity.ts';
import { createVipMachine } from '../process/vip-host.ts';
import type { Print } from '../load/config-file.ts';
import type { Loaded } from '../load/load.ts';
import {
  describeAuthorities,
  describeRenewal,
  type Renewal,
  type RenewalRequest,
  withCertificates,
  replacedTickets,
} from '../load/tls/renewal.ts';
import { acmeSourcesOf } from '../load/tls/sources.ts';
import { type Certificates, NO_CERTIFICATES } from '../load/tls/certificates.ts';
import { endedFaults, faultTexts, ownerText, unusedOf } from '../load/tls/faults.ts';
import { describePresence, presencesOf, withPresence } from '../load/presence.ts';
import type { LoadedConfiguration } from '../load/loaded-configuration.ts';
import type { ProcessUser } from '../port/host.ts';
import type { Manner } from '../commands/manner.ts';
import { Reloader, ReloadError } from './reloader.ts';
import { expiredTexts, ExpiryLog } from './expiry-log.ts';
import type { ServiceState } from './service-state.ts';
import { ProxyProofs } from './proxy-proofs.ts';
import { opensslProblem, tlsStatus } from './tls-status.ts';
import type { Estate, InheritedHa, Succession } from './upgrade/succession.ts';
import { type Successor, UpgradeError, Upgrader } from './upgrade/upgrader.ts';
import { Wards } from './upgrade/wards.ts';

export interface InstanceOptions {
  readonly loaded: Loaded;
  /** Reads the file again, as a start would. Null: it cannot be run, and why has been printed. */
  readonly read: (print: Print) => Promise<Loaded | null>;
  /** Reads the certificates of what runs again. */
  readonly renewCertificates: (request: RenewalRequest) => Promise<Renewal>;
  readonly proxyUser: ProcessUser | null;
  /** What is less than it should be from the start on. */
  readonly problems: readonly string[];
  readonly version: string;
  readonly configuration: LoadedConfiguration;
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
  /** Runs this program's main file: the interpreter, the file. */
  readonly command: readonly [string, string];
  readonly proxyCommand: readonly [string, ...string[]];
  /** The same of the process that reads files. */
  readonly filesCommand: readonly [string, ...string[]];
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

const NOT_STARTED: MoveResult = { kind: 'unknown', why: 'the virtual routers have not started yet' };
const NO_ROUTERS_LEFT =
  'the file has no `ha` part any more, and the running evenkeel has virtual addresses: reload before the upgrade';
const ROUTERS_STARTING = 'the virtual routers have not started yet; try again';
const UPGRADE_UNDER_WAY = 'an upgrade is under way; try again when it is over';
const STOPPING = 'this evenkeel is stopping';
const NO_ROUTERS: MoveResult = { kind: 'unknown', why: 'this evenkeel has no virtual routers: its file has no `ha`' };

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
  /**
   * The file and what is said by hand change one after the other, and an upgrade begins after those before it: the successor reads
   * both once.
   */
  private changing: Promise<unknown> = Promise.resolve();
  private readonly upgrader: Upgrader;
  readonly wards = new Wards();
  /** The program on disk for which an upgrade was tried unasked. */
  private followed = '';
  private loaded: Loaded;
  /** What is in force, or is being applied. */
  private wanted: Loaded;
  private readonly startedMs = performance.now();
  private ha: HaKeeper | null = null;
  private control: ControlServer | null = null;
  private looking: NodeJS.Timeout | undefined;
  private storing: NodeJS.Timeout | undefined;
  private readonly expiry: ExpiryLog;
  private readonly acme: AcmeKeeper;
  private readonly peers: PeersKeeper;
  private readonly sharing: CertificateSharing;
  /** What an authority looks for now. */
  private proofs = new ProxyProofs();
  private isStarting = true;
  private isStopping = false;
  private isOver = false;
  /** It has been succeeded, and nothing is left here. */
  private hasFinished = false;

  constructor(options: InstanceOptions) {
    const { loaded, read, workersMax, log, proxyCommand, proxyUser, inherited, isParent, service, manner } = options;
    this.options = options;
    this.loaded = loaded;
    this.wanted = loaded;
    this.strays = this.createStrays();
    this.keeper = new Keeper({
      workersMax,
      host: linuxHost,
      log,
      user: proxyUser,
      proxyCommand,
      filesCommand: options.filesCommand,
      findFilesUser,
      mayBeIdle: () => this.wanted.ready.ha !== null,
      startsWhole: manner.startsWhole,
      // An nginx whose processes are looked for is one that serves.
      proxyTitles: loaded.ready.processes === null ? 'own' : 'borrowed',
      inherited,
      strays: this.strays,
      onOtherProgram: () => this.followDisk(),
    });
    this.upgrader = new Upgrader({
      keeper: this.keeper,
      counts: () => countsOf(this.keeper.status(this.beats, [])),
      overrides: () => this.overrides.memories,
      ha: () => this.ha,
      log,
      command: [process.execPath, ...process.execArgv, ...process.argv.slice(1)] as [string, ...string[]],
      wards: isParent ? this.wards : null,
      graceMs: () => this.graceMs,
      findObstacle: () => (this.isStopping ? STOPPING : this.isStarting ? ROUTERS_STARTING : null),
      onKeeperGone: () => this.strays?.lookSoon(),
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
    this.reloader = new Reloader({
      log,
      read,
      current: () => this.loaded,
      apply: (next) => this.apply(next),
      tellRefused: manner.handleReloadRefused,
    });
    this.beats = new BeatAges(this.keeper.board, performance.now());
    this.expiry = new ExpiryLog(log, () => this.loaded.ready.certificates);
    this.acme = new AcmeKeeper({
      folder: join(options.stateDirectory, 'acme'),
      memories: acmeMemories(options.stateDirectory, node, log),
      version: options.version,
      publish: (proofs) => this.sharing.publish(proofs),
      mayOrderAtMs: () => this.sharing.mayOrderAtMs(),
      obtainer: () => this.sharing.obtainer,
      onObtained: (file, isOwn) => {
        void this.renewCertificates();
        if (isOwn) this.sharing.handleObtained(file);
      },
      runCommand,
      findUser,
      ownUid: process.getuid?.() ?? -1,
      random: Math.random,
      log,
    });
    this.peers = new PeersKeeper({
      identity: () => identityIn(options.stateDirectory),
      version: options.version,
      log,
      random: Math.random,
      onChange: (peer, isUp) => this.sharing.handleChange(peer, isUp),
      onMessage: (peer, message) => this.sharing.handleMessage(peer, message),
    });
    this.sharing = new CertificateSharing({
      peers: this.peers,
      acme: this.acme,
      publish: (proofs) => this.publish(proofs),
      ticketSecret: () => this.keeper.ticketSecret,
      useTicketSecrets: (secrets) => this.keeper.useTicketSecrets(secrets),
      log,
    });
  }

  /** Resolves when everything serves, with what there is: `web *:80, VI_1 on eth0`. Rejects with StartError. */
  async start(): Promise<string> {
    const { succession, inherited, isManaged, log } = this.options;
    const { plan, commit } = this.propose(this.loaded.ready.plan, null);
    const served = await this.keeper.start(plan, this.proofs.addToMaterial(this.loaded.ready.certificates));
    commit();
    if (this.isOver) return served;
    this.expiry.start();
    this.handleFaults(NO_CERTIFICATES);
    const problem = this.opensslProblem();
    if (problem !== null) log.warn(problem);
    this.looking = setInterval(() => this.beats.look(performance.now()), BEAT_LOOK_MS).unref();
    this.storing = setInterval(() => this.storeAgain(), STORE_AGAIN_MS).unref();
    if (inherited?.ha) await this.prepareHa(inherited.ha);
    // Before anything is given up for it.
    if (!isManaged) this.keeper.outlive();
    if (succession === null) await this.openControl();
    else await this.takeOver(succession);
    const routers = await this.startHa();
    this.isStarting = false;
    this.peers.apply(this.loaded.ready.peers);
    this.acme.apply(acmeSourcesOf(this.loaded.ready.certificateSources));
    return [served, routers].filter((text) => text !== '').join(', ');
  }

  /** Goes on by what the file says now. Resolves with what has changed; rejects with ReloadError or NotNowError, and then nothing has. */
  async reload(by: string): Promise<readonly string[]> {
    if (this.isStopping) {
      this.options.log.warn(`reload by ${by} refused: ${STOPPING}`);
      throw new ReloadError(STOPPING);
    }
    return this.options.service.during(() => this.reloader.reload(by));
  }

  /** Files of certificates, and folders of them. */
  get certificateFiles(): readonly string[] {
    return this.loaded.ready.certificates.files;
  }

  /** Goes on by the certificates that are in their files now, with everything else as it is. */
  renewCertificates(): Promise<void> {
    return this.change(async () => {
      if (this.isStopping || this.isUpgrading) return;
      const { log } = this.options;
      const { loaded } = this;
      const { certificates: former, certificateSources: sources } = loaded.ready;
      const { refusals, faults, warnings, certificates } = await this.options.renewCertificates({ sources, former });
      for (const refusal of refusals) log.warn(`the former certificate is kept: ${refusal}`);
      for (const warning of warnings) log.warn(`certificates: ${warning}`);
      if (certificates === null) {
        this.loaded = { ...loaded, ready: { ...loaded.ready, certificates: { ...former, faults } } };
        this.wanted = this.loaded;
        this.handleFaults(former);
        return;
      }
      const refused = await this.renew(withCertificates(loaded.ready.plan, certificates), certificates);
      if (refused !== null) {
        log.error(`the certificates in force are kept: ${refused}`);
        return;
      }
      for (const change of describeRenewal(former, certificates)) log.info(`certificate replaced: ${change}`);
      for (const files of replacedTickets(former, certificates)) log.info(`ticket keys replaced: ${files}`);
      for (const change of describeAuthorities(former, certificates)) log.info(change);
      this.handleFaults(former);
    });
  }

  /** What is new of them since these; certificates that stay what they were have been told of. */
  private handleFaults(former: Certificates): void {
    const { log } = this.options;
    const { certificates } = this.loaded.ready;
    for (const { owner, file } of endedFaults(former, certificates)) {
      log.info(`${ownerText(owner)}: ${file} on disk can be used again`);
    }
    const told = new Set(faultTexts(former));
    const unused = faultTexts(unusedOf(certificates));
    for (const text of unused) if (!told.has(text)) log.error(text);
    if (unused.length === 0) this.ha?.handleCertificatesWhole();
  }

  /** Goes on by the same file, of which something on this machine has changed. Null, or why not: then nothing has changed. */
  private async renew(filed: Plan, certificates: Certificates): Promise<string | null> {
    const { loaded } = this;
    const { plan, commit } = this.propose(filed, null);
    try {
      await this.keeper.apply(plan, this.proofs.addToMaterial(certificates));
    } catch (error) {
      if (!(error instanceof ApplyError)) throw error;
      return error.message;
    }
    this.loaded = { ...loaded, ready: { ...loaded.ready, plan: filed, certificates } };
    this.wanted = this.loaded;
    commit();
    this.expiry.look();
    return null;
  }

  /** Files and folders whose presence is a value. */
  get presencePaths(): readonly string[] {
    return presencesOf(this.loaded.ready.plan).map(({ path }) => path);
  }

  /** Goes on by what is there now, with everything else as it is. */
  renewPresence(): Promise<void> {
    return this.change(async () => {
      if (this.isStopping || this.isUpgrading) return;
      const { loaded } = this;
      const { log } = this.options;
      const former = loaded.ready.plan;
      const filed = withPresence(former);
      if (filed === former) return;
      const refused = await this.renew(filed, loaded.ready.certificates);
      if (refused !== null) log.error(`what values say of files stays as it was: ${refused}`);
      else for (const text of describePresence(former, filed)) log.info(text);
    });
  }

  /** Gives way to the program that is on disk now. Resolves when that is in charge; rejects with UpgradeError. */
  upgrade(by: string): Promise<Successor> {
    return this.options.service.during(async () => {
      const { upgraded } = await this.change(async () => ({ upgraded: this.upgrader.upgrade(by) }));
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
    this.acme.stop();
    this.peers.stop();
    const given = Promise.all([this.keeper.giveWay(addresses), this.ha?.finish(this.loaded.ready.plan.drainMs)]);
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
    return this.options.manner.graceMs(this.loaded);
  }

  /** What a signal asks for, short of an end. Rejects as what it asks for does. */
  async obey(meaning: 'reload' | 'upgrade' | 'rest' | 'dump' | 'statistics', signal: string): Promise<void> {
    switch (meaning) {
      case 'reload':
        await this.reload(signal);
        return;
      case 'upgrade':
        await this.upgrade(signal);
        return;
      case 'rest':
        return this.rest(signal);
      case 'dump':
      case 'statistics':
        return this.options.manner.writeStatus(meaning, this.status());
    }
  }

  /** The proxies finish and go; the listening sockets stay. A reload starts others. */
  private rest(by: string): Promise<void> {
    return this.change(async () => {
      this.options.log.info(`${by}: the proxies finish what is in flight and end; a reload starts others`);
      await this.keeper.rest();
    });
  }

  /** Without waiting for what is under way: only the addresses are handed over first. */
  async end(): Promise<void> {
    this.isStopping = true;
    await this.ha?.release();
    this.kill();
  }

  /** Resolves when everything that was under way is finished, or its time is over. */
  async stop(): Promise<void> {
    const { graceMs } = this;
    this.isStopping = true;
    this.acme.stop();
    this.peers.stop();
    // While the addresses are here, connections come, and must be served.
    await this.ha?.release();
    await Promise.all([this.keeper.stop(graceMs), this.upgrader.stop(graceMs), this.ha?.finish(graceMs)]);
    this.close();
  }

  /** Ends everything now. */
  kill(): void {
    // First: a successor that is to go on with the addresses must not, when they are given up.
    this.upgrader.kill();
    this.ha?.kill();
    this.keeper.kill();
    this.close();
  }

  // --- inside ---

  private createStrays(): StrayProxies | null {
    const { socketPath, log } = this.options;
    if (socketPath === null) return null;
    return new StrayProxies({ host: linuxRendezvous, path: socketPath, log, now: () => performance.now() });
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
    if (words !== null) this.keeper.former.recall(words.counts);
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
    this.ha?.storeAgain();
  }

  private apply(loaded: Loaded): Promise<void> {
    return this.change(async () => {
      if (this.isUpgrading) throw new NotNowError(UPGRADE_UNDER_WAY);
      const former = this.loaded;
      const { plan, commit } = this.propose(loaded.ready.plan, null);
      this.wanted = loaded;
      try {
        await this.keeper.apply(plan, this.proofs.addToMaterial(loaded.ready.certificates));
        await this.applyHa(loaded.ready.ha).catch(async (error: unknown) => {
          this.wanted = former;
          const { plan: formerPlan } = this.propose(former.ready.plan, null);
          await this.keeper.apply(formerPlan, this.proofs.addToMaterial(former.ready.certificates));
          throw error;
        });
      } finally {
        this.wanted = this.loaded;
      }
      this.loaded = loaded;
      this.wanted = loaded;
      this.options.configuration.replace(loaded.texts);
      commit();
      this.handleFaults(former.ready.certificates);
      this.expiry.look();
      this.peers.apply(loaded.ready.peers);
      this.acme.apply(acmeSourcesOf(loaded.ready.certificateSources));
      this.options.manner.handleLoaded(loaded, true);
    });
  }

  /** What the file says, with what is said by hand, and what is answered for authorities. */
  private propose(filed: Plan, order: Order | null): Proposal {
    return this.overrides.propose(this.proofs.addTo(filed), order);
  }

  /** Has the proxies answer challenges by these. Rejects if they cannot. */
  private publish(proofs: readonly ProxyProof[]): Promise<void> {
    return this.change(async () => {
      if (this.isStopping || this.isOver) return;
      if (this.isUpgrading) throw new NotNowError(UPGRADE_UNDER_WAY);
      const { proofs: former } = this;
      this.proofs = new ProxyProofs(proofs);
      const { plan, commit } = this.propose(this.loaded.ready.plan, null);
      try {
        await this.keeper.apply(plan, this.proofs.addToMaterial(this.loaded.ready.certificates));
        commit();
      } catch (error) {
        this.proofs = former;
        throw error;
      }
    });
  }

  private order(order: Order): Promise<OrderResult> {
    return this.change(async () => {
      if (this.isUpgrading) return { kind: 'refused', why: UPGRADE_UNDER_WAY };
      const filed = this.loaded.ready.plan;
      const why = this.overrides.whyUnknown(filed, order.change.subject);
      if (why !== null) return { kind: 'unknown', why };
      const { plan, commit } = this.propose(filed, order);
      try {
        await this.keeper.apply(plan, this.proofs.addToMaterial(this.loaded.ready.certificates));
      } catch (error) {
        if (!(error instanceof ApplyError)) throw error;
        return { kind: 'refused', why: error.message };
      }
      return { kind: 'done', text: commit() };
    });
  }

  private change<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.changing.then(change);
    this.changing = changed.catch(() => undefined);
    return changed;
  }

  private close(): void {
    this.isOver = true;
    this.expiry.stop();
    this.acme.stop();
    this.peers.stop();
    clearInterval(this.looking);
    clearInterval(this.storing);
    this.control?.close();
  }

  /** To be called when everything serves. Rejects with nothing changed. */
  private async applyHa(plan: HaPlan | null): Promise<void> {
    const { ha } = this;
    if (plan === null) {
      this.ha = null;
      await ha?.release();
      // What is run for that may take its time, and holds up nothing.
      void ha?.finish(this.graceMs);
    } else if (ha === null) {
      const created = this.createHa(plan, null);
      this.ha = created;
      try {
        await created.start();
      } catch (error) {
        created.kill();
        this.ha = null;
        throw error;
      }
    } else {
      await ha.apply(plan);
    }
  }

  /** With the virtual addresses of the predecessor, or for the first time here. */
  private async startHa(): Promise<string> {
    const { ha } = this.loaded.ready;
    if (ha === null || this.isOver) return '';
    if (this.ha !== null) return this.ha.description;
    return this.startAddresses(() => this.createHa(ha, this.startRestraint()));
  }

  /** A peer that has all certificates serves more than this node. */
  private startRestraint(): StartRestraint | null {
    if (this.options.isRestrained) return 'start';
    return unusedOf(this.loaded.ready.certificates).faults.length > 0 ? 'certificates' : null;
  }

  private async prepareHa(inherited: InheritedHa): Promise<void> {
    const { ha } = this.loaded.ready;
    await this.startAddresses(() => {
      if (ha === null) throw new Error(NO_ROUTERS_LEFT);
      return this.createHa(ha, null, inherited);
    });
  }

  private async startAddresses(create: () => HaKeeper): Promise<string> {
    try {
      this.ha = create();
      return await this.ha.start();
    } catch (error) {
      this.kill();
      throw new StartError((error as Error).message);
    }
  }

  private createHa(ha: HaPlan, restraint: StartRestraint | null, inherited: InheritedHa | null = null): HaKeeper {
    const { log, command, runDirectory, stateDirectory } = this.options;
    return new HaKeeper({
      plan: ha,
      serversOf: (upstream) => this.keeper.serversOf(upstream),
      listeners: () => this.loaded.ready.plan.listeners,
      board: this.keeper.board,
      closedListeners: () => this.keeper.closedListeners,
      log,
      createAddresses: (events) =>
        new VipLink({
          plan: ha.vip,
          log,
          ...events,
          ...createVipMachine(command, runDirectory, inherited?.board ?? null, this.options.manner.staysInForeground),
          heritage: inherited === null ? null : { vip: inherited.heritage.vip, lifeline: inherited.lifeline },
          onOtherProgram: () => this.followDisk(),
        }),
      runCommand,
      openFifo,
      makeProbe: (health, address, serverName) => probe(health, address, serverName),
      askName: askSystem,
      ownUid: process.getuid?.() ?? -1,
      findUser,
      notifyServiceManager: (state) => this.options.service.notify(state),
      restraintFile: restraintFile(stateDirectory, ha.node, log),
      isDrained: () => this.overrides.isNodeDrained,
      endConnections: (addresses) => this.keeper.abandon(addresses),
      restraint,
      heritage: inherited?.heritage ?? null,
      now: () => performance.now(),
      unixMs: Date.now,
    });
  }

  private async openControl(): Promise<void> {
    const { socketPath, isSocketWanted, log } = this.options;
    try {
      if (socketPath === null) throw new Error('there is no directory for it; say where with --socket');
      const isSuccessor = this.options.succession !== null;
      this.control = await ControlServer.open(socketPath, isSuccessor, {
        status: () => this.status(),
        isStopping: () => this.isStopping,
        reload: (by) => this.reload(by ?? CONTROL_SOCKET),
        order: (order) => this.order(order),
        whyUnready: () => this.whyUnready(),
        upgrade: (by) => this.upgrade(by ?? CONTROL_SOCKET),
        handOver: (router, forMs, by) => this.move((ha) => ha.handOver(router, forMs, by)),
        resume: (router, by) => this.move((ha) => ha.resume(router, by)),
      });
    } catch (error) {
      // Two of one machine, with the same addresses to hold and to let go.
      if (error instanceof SocketTakenError && this.loaded.ready.ha !== null) {
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

  private move(order: (ha: HaKeeper) => MoveResult): MoveResult {
    if (this.isUpgrading) return { kind: 'refused', why: UPGRADE_UNDER_WAY };
    if (this.ha !== null) return order(this.ha);
    return this.loaded.ready.ha === null ? NO_ROUTERS : NOT_STARTED;
  }

  private whyUnready(): string | null {
    if (this.isStopping) return 'it stops';
    return this.overrides.isNodeDrained ? 'this node is drained: `evenkeel node enable`' : null;
  }

  private opensslProblem(): string | null {
    const { listeners, upstreams } = this.loaded.ready.certificates;
    return listeners.length + upstreams.length === 0 ? null : opensslProblem(process.versions.openssl, Date.now());
  }

  private status(): StatusDocument {
    const { version, configuration } = this.options;
    const { certificates } = this.loaded.ready;
    const tls = tlsStatus(certificates, this.acme.views(), Date.now());
    const problem = this.opensslProblem();
    return {
      format: 1,
      version,
      pid: process.pid,
      isStopping: this.isStopping,
      uptimeMs: performance.now() - this.startedMs,
      at: new Date().toISOString(),
      configuration: configuration.view(),
      problems: [
        ...this.options.problems,
        ...(problem === null ? [] : [problem]),
        ...faultTexts(certificates),
        ...expiredTexts(certificates, Date.now()),
      ],
      unstored: [this.overrides.unstored, this.ha?.unstored ?? null].filter((each) => each !== null),
      ha: this.ha?.status() ?? null,
      tls,
      peers: this.peers.status(),
      ...this.keeper.status(this.beats, this.overrides.views()),
    };
  }
}
