/** Asks for local ports, as often as the proxies say that they lack them: once a second for each server, whoever asks. */

export const ASK_INTERVAL_MS = 1_000;

export class PortRelief {
  private readonly ask: (slot: number) => void;
  private readonly now: () => number;
  private readonly askedAt = new Map<number, number>();

  /** `ask`: has one port given up that an unused connection to the server in this slot has. */
  constructor(ask: (slot: number) => void, now: () => number) {
    this.ask = ask;
    this.now = now;
  }

  /** `slot` is one that a server has, or had. */
  handleNoPort(slot: number): void {
    const now = this.now();
    if (now - (this.askedAt.get(slot) ?? -Infinity) < ASK_INTERVAL_MS) return;
    this.askedAt.set(slot, now);
    this.ask(slot);
  }
}
