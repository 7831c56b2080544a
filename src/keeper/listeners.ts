/**
 * The listening sockets: opened once, one per proxy where the kernel can spread connections over several, and held for as
 * long as the keeper lives. A proxy that dies leaves its queue here, and its successor serves it.
 */
import { addressText } from '../base/address.ts';
import type { BindPlan, ListenerPlan } from '../config/plan.ts';
import type { Host, Listening, ListenFailure } from '../port/host.ts';
import type { Log } from './log.ts';

export interface OpenListener {
  readonly plan: ListenerPlan;
  binds: readonly OpenBind[];
  /** Those of its addresses that could not be opened (yet). */
  failures: readonly BindFailure[];
}

export interface BindFailure {
  readonly plan: BindPlan;
  readonly reason: string;
  /** What will listen there; none: nothing will. */
  readonly descriptors: readonly number[];
}

interface OpenBind {
  readonly plan: BindPlan;
  /** One for each proxy, or one for all. */
  readonly descriptors: readonly number[];
}

export interface OpenedListeners {
  /** In the order of the plan; one whose addresses all failed has no binds. */
  readonly listeners: readonly OpenListener[];
}

/** A predecessor that was killed closes its sockets when its proxies notice; that takes a moment. */
const RETRY_MS = 100;
const RETRY_MS_MAX = 2_000;

export async function openListeners(
  host: Host,
  plans: readonly ListenerPlan[],
  workers: number,
  log: Log,
): Promise<OpenedListeners> {
  const listeners: OpenListener[] = [];
  const deadline = performance.now() + RETRY_MS_MAX;
  for (const plan of plans) {
    const binds: OpenBind[] = [];
    const failures: BindFailure[] = [];
    for (const bind of plan.binds) {
      const place = `listener ${plan.name} ${bindText(bind)}`;
      const opened = await openPatiently(host, bind, workers, deadline, (reason) => {
        log.warn(`${place}: ${reason}; trying again for a moment`);
      });
      if (opened.kind === 'failed') {
        const descriptors = host.createSockets(bind.address, bind.dual, workers) ?? [];
        failures.push({ plan: bind, reason: opened.reason, descriptors });
        const later = descriptors.length > 0 ? '; it is tried again' : '';
        log.error(`${place}: ${opened.reason}; ${opened.remedy}${later}`);
        continue;
      }
      if (opened.note !== null) log.warn(`${place}: ${opened.note}`);
      binds.push({ plan: bind, descriptors: opened.descriptors });
    }
    listeners.push({ plan, binds, failures });
  }
  return { listeners };
}

async function openPatiently(
  host: Host,
  bind: BindPlan,
  workers: number,
  deadline: number,
  onWait: (reason: string) => void,
): Promise<Listening | ListenFailure> {
  let isWaiting = false;
  for (;;) {
    const opened = host.listen(bind.address, bind.dual, workers);
    if (opened.kind === 'listening' || opened.code !== 'EADDRINUSE' || performance.now() >= deadline) return opened;
    if (!isWaiting) onWait(opened.reason);
    isWaiting = true;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** The descriptors that the proxy `index` gets: of each address of each listener, whether it is open yet or not. */
export function descriptorsOf(listeners: readonly OpenListener[], index: number): (number | undefined)[] {
  return listeners.flatMap(({ plan, binds, failures }) =>
    plan.binds.map((bind) => {
      const of = [...binds, ...failures].find((each) => each.plan === bind);
      return of?.descriptors[index] ?? of?.descriptors[0];
    }),
  );
}

/** Tries one more time what could not be opened. Returns what could be now. */
export function openMore(host: Host, listener: OpenListener): readonly BindPlan[] {
  const opened: BindPlan[] = [];
  const failures: BindFailure[] = [];
  for (const failure of listener.failures) {
    const { plan, descriptors } = failure;
    const refusal = descriptors.length === 0 ? null : host.listenOnSockets(descriptors, plan.address, plan.dual);
    if (descriptors.length === 0 || refusal !== null) {
      failures.push({ ...failure, reason: refusal?.reason ?? failure.reason });
      continue;
    }
    listener.binds = [...listener.binds, { plan, descriptors }];
    opened.push(plan);
  }
  listener.failures = failures;
  return opened;
}

/** From here on connections are refused, as far as no proxy listens any more. */
export function closeListeners(host: Host, listeners: readonly OpenListener[]): void {
  for (const { binds, failures } of listeners) {
    for (const { descriptors } of failures) for (const descriptor of descriptors) host.closeDescriptor(descriptor);
    for (const { plan, descriptors } of binds) {
      for (const descriptor of descriptors) host.closeDescriptor(descriptor);
      if (plan.address.family === 0 && !plan.address.host.startsWith('@')) host.removeSocketFile(plan.address.host);
    }
  }
}

/** As in a configuration: `*:80`. */
export function bindText(bind: BindPlan): string {
  return bind.dual ? `*:${bind.address.port}` : addressText(bind.address);
}
