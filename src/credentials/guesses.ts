/** Wrong passwords by client: so many at once, and then one after so long (a token bucket). Who is forgotten first is who guessed longest ago. */
import { Recent } from './recent.ts';

const AT_ONCE = 20;
const EACH_MS = 3_000;
const CLIENTS_MAX = 16_384;

export class Guesses {
  /** By client: when all of its guesses will have been paid for. */
  private readonly paidAt = new Recent<number>(CLIENTS_MAX);

  /** It has made too many. */
  isSpent(client: string, now: number): boolean {
    return (this.paidAt.get(client) ?? 0) - now > (AT_ONCE - 1) * EACH_MS;
  }

  note(client: string, now: number): void {
    this.paidAt.set(client, Math.max(this.paidAt.get(client) ?? 0, now) + EACH_MS);
  }
}

/** Who counts as one client: an address, of IPv6 the network that one host has to itself. */
export function clientOf(address: string): string {
  if (!address.includes(':')) return address;
  const [front, back] = address.split('::');
  const head = front === '' ? [] : front.split(':');
  const tail = back === undefined || back === '' ? [] : back.split(':');
  const groups =
    back === undefined
      ? head
      : [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail];
  return groups.slice(0, 4).join(':');
}
