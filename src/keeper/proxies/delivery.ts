/**
 * A plan on its way to a proxy: three sealed files and the listening sockets, by descriptor. What is the same for every proxy and
 * long, the routes and how they are counted, is a file of its own, which all of them are sent; and so are the secrets (secrets.ts), the
 * third one. Where a listener keeps sessions, the memory of their table follows, which all proxies write, and so do that of limits and that
 * of where sessions of applications are.
 * In front of that stands what each access log is written to.
 */
import type { CountedPlan } from '../../config/plan/record.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { Plan } from '../../config/plan/plan.ts';
import { inAscii } from '../../config/plan/route-text.ts';

/**
 * The content of the first file, as JSON. The second one, in ASCII, holds the routes of all listeners, one behind the other, and then
 * what is counted of each, as JSON.
 */
export interface Delivery {
  /** Without what is in the second file. */
  readonly plan: Plan;
  /** Of each listener: how many characters of the second file are its routes. */
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
  const listeners = plan.listeners.map((listener): ListenerPlan => ({ ...listener, routes: '', counted: [] }));
  return { plan: { ...plan, listeners }, routes: plan.listeners.map(({ routes }) => routes.length), sockets };
}

/** The table of sessions is sent with it. */
export function keepsSessions({ listeners }: Plan): boolean {
  return listeners.some(({ tls }) => tls !== null && tls.keepsSessions);
}

/** The table of limits is sent with it, behind that of sessions. */
export function countsLimits({ hasLimits }: Plan): boolean {
  return hasLimits === true;
}

/** The table of what is learned is sent with it, behind those. */
export function learnsSessions({ learns }: Plan): boolean {
  return learns === true;
}

/** The content of the second file. */
export function routesOf({ listeners }: Plan): string {
  const counted = JSON.stringify(listeners.map((listener) => listener.counted));
  return `${listeners.map(({ routes }) => routes).join('')}${inAscii(counted)}`;
}

/** The plan as it was; `text`: the content of the second file. */
export function planOf({ plan, routes }: Delivery, text: string): Plan {
  const texts: string[] = [];
  let at = 0;
  for (const length of routes) {
    texts.push(text.slice(at, at + length));
    at += length;
  }
  const counted = JSON.parse(text.slice(at)) as readonly (readonly CountedPlan[])[];
  const listeners = plan.listeners.map((listener, i): ListenerPlan => {
    return { ...listener, routes: texts[i], counted: counted[i] };
  });
  return { ...plan, listeners };
}
