/**
 * The listening sockets: opened once, one per proxy where the kernel can spread connections over several, and held for as
 * long as a plan has their address. A proxy that dies leaves its queue here, and its successor serves it. What another plan
 * needs is opened beside what is there; what it no longer has is closed when no proxy serves it any more.
 *
 * Sockets that a predecessor or the service manager has opened are adopted: a plan that has their address takes them instead
 * of opening any. The service manager, if there is one, keeps what is open, so that a successor can do the same.
 */
import { addressText } from '../../base/address.ts';
import type { BindPlan, ListenerPlan } from '../../config/plan/listener.ts';
import type { Host, Listening, ListenFailure, ListeningPlace } from '../../port/host.ts';
import type { Log } from '../log/log.ts';

export interface OpenListener {
  readonly plan: ListenerPlan;
  readonly binds: readonly OpenBind[];
  /** Those of its addresses that could not be opened (yet). */
  readonly failures: readonly BindFailure[];
}

export interface BindFailure {
  /** Its name. */
  readonly listener: string;
  readonly plan: BindPlan;
  /** The system's name of the error, `EADDRINUSE`, or `certificate`. */
  readonly code: string;
  readonly reason: string;
  readonly remedy: string;
  /** It failed for an earlier plan too. */
  readonly isOld: boolean;
}

interface OpenBind {
  readonly plan: BindPlan;
  /** One for each proxy, or one for all. */
  readonly sockets: readonly ListeningSocket[];
  /** The service manager, or a successor, has it too. */
  isKept: boolean;
}

/** Opened by somebody else, and not taken yet. */
interface AdoptedSockets {
  readonly name: string;
  readonly place: ListeningPlace;
  readonly descriptors: number[];
}

export interface ListeningSocket {
  /** Never used again for another one. */
  readonly id: number;
  readonly descriptor: number;
}

/** What a plan would listen on. */
export interface PreparedListeners {
  /** In the order of the plan; one whose addresses all failed has no binds. */
  readonly listeners: readonly OpenListener[];
  /**
   * What it does not have takes no new connection from now on. Resolves when those that wait there have been accepted by the
   * proxies, which still serve it.
   */
  emptyGone(): Promise<void>;
  /** It is what is listened on from now on; what it does not have is returned, to be closed when nobody serves it. */
  commit(): () => void;
  /** Closes what was opened for it. */
  abandon(): void;
}

/** A predecessor that was killed closes its sockets when its proxies notice; that takes a moment. */
const RETRY_MS = 100;
const RETRY_MS_MAX = 2_000;

export class ListenerStore {
  listeners: readonly OpenListener[] = [];
  private readonly host: Host;
  private readonly log: Log;
  private nextId = 0;
  private adopted: AdoptedSockets[] = [];
  /** The service manager listens to another process yet. */
  private isDeferred = false;

  constructor(host: Host, log: Log) {
    this.host = host;
    this.log = log;
  }

  /** Owns these from now on. The next plan takes those whose addresses it has; the others are closed. */
  adopt(descriptors: readonly number[]): void {
    for (const descriptor of descriptors) {
      const place = this.host.placeOf(descriptor);
      if (place === null) {
        this.host.closeDescriptor(descriptor);
        continue;
      }
      const name = bindText({ address: place.address, dual: place.isDual, isUdp: place.isUdp });
      const known = this.adopted.find((each) => each.name === name);
      if (known === undefined) this.adopted.push({ name, place, descriptors: [descriptor] });
      else known.descriptors.push(descriptor);
    }
  }

  /** They are those of a predecessor, which is in charge until `settle` is called. */
  adoptDeferred(descriptors: readonly number[]): void {
    this.isDeferred = true;
    this.adopt(descriptors);
  }

  /** From now on the service manager keeps what is open, and what was adopted and is not needed is closed. */
  settle(): void {
    this.isDeferred = false;
    for (const bind of this.openBinds()) this.keep(bind);
    for (const { name, descriptors } of this.adopted.splice(0)) {
      this.host.forgetDescriptors(name);
      for (const descriptor of descriptors) this.host.closeDescriptor(descriptor);
    }
  }

  /** All listening sockets, for a successor. */
  get descriptors(): readonly number[] {
    return this.openSockets().map(({ descriptor }) => descriptor);
  }

  /** Of the socket with this number, which is open. */
  descriptorOf(id: number): number {
    return this.openSockets().find((socket) => socket.id === id)!.descriptor;
  }

  /** The number of the socket with this descriptor. Null: it is not open here. */
  socketOf(descriptor: number): number | null {
    return this.openSockets().find((socket) => socket.descriptor === descriptor)?.id ?? null;
  }

  /** The addresses that are open: `127.0.0.1:80`. */
  get names(): readonly string[] {
    return this.openBinds().map(({ plan }) => bindText(plan));
  }

  /** A successor has these addresses now. Resolves when what waited at the others has been accepted. */
  async emptyAllBut(names: readonly string[]): Promise<void> {
    const gone = this.openBinds().filter(({ plan }) => !names.includes(bindText(plan)));
    const isGone = new Set(gone);
    for (const bind of this.openBinds()) bind.isKept = !isGone.has(bind);
    await this.empty(gone);
  }

  /**
   * Opens what these listeners need and is not open yet, but nothing for one that takes nobody, or whose clients the kernel takes:
   * `copies` sockets per address, for as many proxies.
   */
  async prepare(plans: readonly ListenerPlan[], copies: number): Promise<PreparedListeners> {
    const known = new Map(this.openBinds().map((bind) => [bindText(bind.plan), bind]));
    const failedBefore = new Map(
      this.listeners.flatMap(({ failures }) => failures.map((failure) => [bindText(failure.plan), failure])),
    );
    const opened: OpenBind[] = [];
    const listeners: OpenListener[] = [];
    const deadline = performance.now() + RETRY_MS_MAX;
    for (const plan of plans) {
      const binds: OpenBind[] = [];
      const failures: BindFailure[] = [];
      for (const bindPlan of plan.intake === 'closed' || plan.inKernel !== undefined ? [] : plan.binds) {
        if (isWithoutCertificate(plan)) {
          failures.push(withoutCertificate(plan, bindPlan, failedBefore.has(bindText(bindPlan))));
          continue;
        }
        const before = known.get(bindText(bindPlan)) ?? this.take(bindPlan);
        if (before !== undefined) {
          binds.push(before);
          continue;
        }
        const failed = failedBefore.get(bindText(bindPlan));
        const result =
          failed === undefined || failed.code === NO_CERTIFICATE
            ? await this.open(plan, bindPlan, copies, deadline)
            : this.openAgain(failed, copies);
        if ('sockets' in result) {
          this.setOptions(plan, result);
          opened.push(result);
          binds.push(result);
        } else {
          failures.push(result);
        }
      }
      listeners.push({ plan, binds, failures });
    }
    const kept = new Set(listeners.flatMap(({ binds }) => binds));
    const gone = this.openBinds().filter((bind) => !kept.has(bind));
    return {
      listeners,
      emptyGone: () => this.empty(gone),
      commit: () => {
        this.listeners = listeners;
        for (const { plan, binds } of listeners) for (const bind of binds) this.setOptions(plan, bind);
        if (!this.isDeferred) this.settle();
        return () => this.close(gone);
      },
      abandon: () => this.close(opened),
    };
  }

  /** Tries once more what could not be opened. What could be now, as `web 127.0.0.1:80`; no proxy has it yet. */
  openMore(copies: number): readonly string[] {
    const places: string[] = [];
    this.listeners = this.listeners.map(({ plan, binds, failures }) => {
      const tried = failures.map((failure) => this.openAgain(failure, copies));
      const opened = tried.filter((each) => 'sockets' in each);
      for (const bind of opened) this.setOptions(plan, bind);
      places.push(...opened.map((bind) => `${plan.name} ${bindText(bind.plan)}`));
      return { plan, binds: [...binds, ...opened], failures: tried.filter((each) => 'reason' in each) };
    });
    return places;
  }

  /**
   * From here on no new connection comes, but to what the service manager keeps: there they wait for a successor. Resolves when
   * the proxies have accepted those that waited.
   */
  emptyAll(): Promise<void> {
    return this.empty(this.openBinds().filter(({ isKept }) => !isKept));
  }

  /** From here on connections are refused, as far as no proxy listens any more, and nobody keeps them for a successor. */
  closeAll(): void {
    for (const bind of this.openBinds()) this.leave(bind);
    this.listeners = [];
  }

  /** What was adopted and listens where this is to listen. */
  private take(plan: BindPlan): OpenBind | undefined {
    const found = this.adopted.find(({ place }) => isPlaceOf(place, plan));
    if (found === undefined) return undefined;
    this.adopted = this.adopted.filter((each) => each !== found);
    // Whoever had it may have been killed when it was about to close it.
    if (isTcp(plan)) this.host.acceptAgain(found.descriptors);
    return this.bindOf(plan, found.descriptors);
  }

  /** The service manager keeps it for a successor. */
  private keep(bind: OpenBind): void {
    if (bind.isKept) return;
    const descriptors = bind.sockets.map(({ descriptor }) => descriptor);
    bind.isKept = this.host.keepDescriptors(bindText(bind.plan), descriptors);
  }

  private openBinds(): readonly OpenBind[] {
    return this.listeners.flatMap(({ binds }) => binds);
  }

  private openSockets(): readonly ListeningSocket[] {
    return this.openBinds().flatMap(({ sockets }) => sockets);
  }

  private async open(
    listener: ListenerPlan,
    plan: BindPlan,
    copies: number,
    deadline: number,
  ): Promise<OpenBind | BindFailure> {
    const { log } = this;
    const place = `listener ${listener.name} ${bindText(plan)}`;
    const opened = await this.openPatiently(plan, copies, deadline, (reason) => {
      log.warn(`${place}: ${reason}; trying again for a moment`);
    });
    if (opened.kind === 'failed') {
      const { code, reason, remedy } = opened;
      return { listener: listener.name, plan, code, reason, remedy, isOld: false };
    }
    if (opened.note !== null) log.warn(`${place}: ${opened.note}`);
    return this.bindOf(plan, opened.descriptors);
  }

  /** One quiet try at what could not be opened before. */
  private openAgain(failure: BindFailure, copies: number): OpenBind | BindFailure {
    const { plan } = failure;
    if (failure.code === NO_CERTIFICATE) return { ...failure, isOld: true };
    const opened = this.host.listen(placeOf(plan), copies, this.isPortOurs(plan));
    if (opened.kind === 'listening') return this.bindOf(plan, opened.descriptors);
    return { ...failure, code: opened.code, reason: opened.reason, isOld: true };
  }

  private setOptions({ keepAlive }: ListenerPlan, { plan, sockets }: OpenBind): void {
    if (plan.isUdp) return;
    for (const { descriptor } of sockets) this.host.setKeepAlive(descriptor, keepAlive);
  }

  private bindOf(plan: BindPlan, descriptors: readonly number[]): OpenBind {
    return { plan, sockets: descriptors.map((descriptor) => ({ id: this.nextId++, descriptor })), isKept: false };
  }

  /** Another address of ours with this port would be in the way of finding out whether it is somebody else's. */
  private isPortOurs(bind: BindPlan): boolean {
    return this.openBinds().some(({ plan }) => isSamePort(plan, bind));
  }

  private async openPatiently(
    bind: BindPlan,
    copies: number,
    deadline: number,
    onWait: (reason: string) => void,
  ): Promise<Listening | ListenFailure> {
    let isWaiting = false;
    for (;;) {
      const opened = this.host.listen(placeOf(bind), copies, this.isPortOurs(bind));
      if (opened.kind === 'listening' || opened.code !== 'EADDRINUSE' || performance.now() >= deadline) return opened;
      if (!isWaiting) onWait(opened.reason);
      isWaiting = true;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  private async empty(binds: readonly OpenBind[]): Promise<void> {
    for (const { plan } of binds) this.removeFile(plan);
    const tcp = binds.filter(({ plan }) => isTcp(plan));
    await this.host.emptyQueues(tcp.flatMap(({ sockets }) => sockets.map(({ descriptor }) => descriptor)));
  }

  private close(binds: readonly OpenBind[]): void {
    for (const bind of binds) {
      if (bind.isKept) this.host.forgetDescriptors(bindText(bind.plan));
      bind.isKept = false;
      this.leave(bind);
    }
  }

  /** What the service manager keeps of it is for a successor. */
  private leave({ plan, sockets, isKept }: OpenBind): void {
    for (const { descriptor } of sockets) this.host.closeDescriptor(descriptor);
    if (!isKept) this.removeFile(plan);
  }

  /** Of a Unix socket: nobody finds it any more. */
  private removeFile({ address: { family, host } }: BindPlan): void {
    if (family === 0 && !host.startsWith('@')) this.host.removeSocketFile(host);
  }
}

/** No system's: it waits for another plan. */
const NO_CERTIFICATE = 'certificate';

/** It has to speak TLS, and none of its certificates can be used. */
function isWithoutCertificate({ tls }: ListenerPlan): boolean {
  return tls !== null && tls.entries.length === 0;
}

function withoutCertificate({ name }: ListenerPlan, plan: BindPlan, isOld: boolean): BindFailure {
  const reason = 'none of its certificates can be used';
  const remedy = '`evenkeel check` says why; it is opened when the files are right';
  return { listener: name, plan, code: NO_CERTIFICATE, reason, remedy, isOld };
}

/** The sockets that the proxy `worker` of so many accepts from, with the index of the listener of each. */
export function socketsOf(
  listeners: readonly OpenListener[],
  worker: number,
  workers: number,
): readonly (ListeningSocket & { readonly listener: number })[] {
  return listeners.flatMap(({ binds }, listener) =>
    binds.flatMap(({ plan, sockets }) =>
      // Those of proxies that there are no more of are served too, or what waits in their queues would be lost.
      sockets
        .filter((_, i) => {
          // What a client sends has to come to one proxy: its session is there.
          if (plan.isUdp) return i % workers === worker;
          return sockets.length === 1 || i % workers === worker % sockets.length;
        })
        .map(({ id, descriptor }) => ({ id, descriptor, listener })),
    ),
  );
}

/** None of its addresses could be opened. */
export function isClosed({ binds, failures }: OpenListener): boolean {
  return binds.length === 0 && failures.length > 0;
}

/** What is open, and what is not (yet): `web *:80 *:443, mysql *:3306; not open: dns *:53/udp (…)`. */
export function describeOpen(listeners: readonly OpenListener[]): string {
  const open = listeners
    .filter(({ binds }) => binds.length > 0)
    .map(({ plan, binds }) => `${plan.name} ${binds.map((bind) => bindText(bind.plan)).join(' ')}`);
  const forwarded = listeners
    .filter(({ plan }) => plan.inKernel !== undefined)
    .map(({ plan }) => `${plan.name} ${plan.binds.map(bindText).join(' ')} in the kernel`);
  const missing = listeners.flatMap(({ plan, failures }) =>
    failures.map((bind) => `${plan.name} ${bindText(bind.plan)} (${bind.reason})`),
  );
  return [...open, ...forwarded].join(', ') + (missing.length === 0 ? '' : `; not open: ${missing.join(', ')}`);
}

/** As in a configuration: `*:80`; of UDP `*:53/udp`. */
export function bindText(bind: BindPlan): string {
  const text = bind.dual ? `*:${bind.address.port}` : addressText(bind.address);
  return bind.isUdp ? `${text}/udp` : text;
}

function isTcp({ address: { family }, isUdp }: BindPlan): boolean {
  return family !== 0 && !isUdp;
}

function placeOf({ address, dual, isUdp }: BindPlan): ListeningPlace {
  return { address, isDual: dual, isUdp };
}

function isSamePort(a: BindPlan, b: BindPlan): boolean {
  if (a.isUdp !== b.isUdp) return false;
  return a.address.family !== 0 && b.address.family !== 0 && a.address.port === b.address.port;
}

function isPlaceOf({ address, isDual, isUdp }: ListeningPlace, bind: BindPlan): boolean {
  if (isUdp !== bind.isUdp) return false;
  if (bind.dual) return isDual && address.port === bind.address.port;
  return addressText(address) === addressText(bind.address) && !(isDual && address.family === 6);
}
