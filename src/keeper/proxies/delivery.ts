/**
 * A plan on its way to a proxy: three sealed files and the listening sockets, by descriptor. What is the same for every proxy and
 * long, the routes, is a file of its own, which all of them are sent; and so are the secrets (secrets.ts), the third one. Where a listener keeps
 * sessions, the memory of their table follows, which all proxies write. In front of that stands what each access log is written to.
 */
import type { ListenerPlan, Plan } from '../../config/plan.ts';

/** The content of the first file, as JSON. The second one holds the routes of all listeners, one behind the other. */
export interface Delivery {
  /** Without the routes. */
  readonly plan: Plan;
  /** Of each listener: how many characters of the second file are its routes. All of them are ASCII. */
  readonly routes: readonly number[];
  /** The sockets, in the order of the descriptors that follow those of the files. */
  readonly sockets: readonly SocketName[];
}

export interface SocketName {
  /** Index into the plan's listeners. */
  readonly listener: number;
  /** Of the keeper's own: the same number is the same socket, in every generation. */
  readonly id: number;
}

export function deliveryOf(plan: Plan, sockets: readonly SocketName[]): Delivery {
  const listeners = plan.listeners.map((listener): ListenerPlan => ({ ...listener, routes: '' }));
  return { plan: { ...plan, listeners }, routes: plan.listeners.map(({ routes }) => routes.length), sockets };
}

/** The table of sessions is sent with it. */
export function keepsSessions({ listeners }: Plan): boolean {
  return listeners.some(({ tls }) => tls !== null && tls.keepsSessions);
}

export function routesOf(plan: Plan): string {
  return plan.listeners.map(({ routes }) => routes).join('');
}

/** The plan as it was; `text`: the content of the second file. */
export function planOf({ plan, routes }: Delivery, text: string): Plan {
  let at = 0;
  const listeners = plan.listeners.map((listener, i): ListenerPlan => {
    const own = text.slice(at, at + routes[i]);
    at += routes[i];
    return { ...listener, routes: own };
  });
  return { ...plan, listeners };
}
