/**
 * Whether anything serves at addresses that a peer's machine answers for although no peer is active: a program that was
 * killed leaves them in its kernel. Tried is what the file names, or else the listeners of this node's own file, which are
 * those of the peer too.
 *
 * Where only listeners are tried, a connection must be refused to say that nothing serves: silence may be a firewall.
 */
import type { Address } from '../../base/address.ts';
import type { ServesPlan } from '../../config/plan/ha.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { ServingVerdict } from '../../core/vrrp/occupant.ts';
import type { MakeProbe } from '../servers/health.ts';
import { REASON_REFUSED } from '../servers/probe.ts';
import { singleProbe } from './single-probe.ts';

const TIMEOUT_MS = 1_000;
/** Of all listeners' ports, and all addresses: a few tell enough. */
const TRIES_MAX = 16;

export interface ServingCheckOptions {
  /** Of the router, without prefix lengths. */
  readonly addresses: readonly string[];
  /** Where link-local ones are. */
  readonly interfaceName: string;
  /** What the file names; null: nothing. */
  readonly serves: ServesPlan | null;
  readonly listeners: readonly ListenerPlan[];
  readonly makeProbe: MakeProbe;
}

export async function checkServing(options: ServingCheckOptions): Promise<ServingVerdict> {
  const { addresses, interfaceName, serves, listeners, makeProbe } = options;
  const ports = serves === null ? portsOf(listeners, addresses) : [serves.port];
  const targets = addresses
    .flatMap((address) => ports.map((port) => addressOf(address, port, interfaceName)))
    .slice(0, TRIES_MAX);
  if (targets.length === 0) {
    return { serves: null, detail: 'there is nothing to try: write a port at `guard.serves`' };
  }
  const path = serves?.http ?? null;
  const health = singleProbe(path === null ? null : { path, host: null }, TIMEOUT_MS);
  const results = await Promise.all(targets.map((target) => makeProbe(health, target, target.host)));
  const detail = results.map(
    ({ isPassed, reason }, i) => `${placeOf(targets[i])} ${isPassed === true ? 'serves' : reason}`,
  );
  const passed = results.some(({ isPassed }) => isPassed === true);
  const isCertain =
    serves === null
      ? results.every(({ reason }) => reason === REASON_REFUSED)
      : results.every(({ isPassed }) => isPassed === false);
  return { serves: passed ? true : isCertain ? false : null, detail: detail.join(', ') };
}

/** Of TCP, on every address, or on one of these: nothing can be told of a port of UDP by asking there. */
function portsOf(listeners: readonly ListenerPlan[], addresses: readonly string[]): number[] {
  const binds = listeners.flatMap((listener) => listener.binds);
  const own = binds.filter(({ isUdp, address: { family, host } }) => {
    return !isUdp && family !== 0 && (host === '0.0.0.0' || host === '::' || addresses.includes(host));
  });
  return [...new Set(own.map(({ address }) => address.port))];
}

function addressOf(address: string, port: number, interfaceName: string): Address {
  if (!address.includes(':')) return { family: 4, host: address, port };
  return { family: 6, host: /^fe[89ab]/.test(address) ? `${address}%${interfaceName}` : address, port };
}

function placeOf({ family, host, port }: Address): string {
  return family === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}
