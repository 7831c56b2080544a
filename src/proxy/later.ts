/** What has to be told or tried in a turn, and not from where it was found out: a socket calls no handler while it is called itself. */
import type { Transport } from '../port/transport.ts';

export interface Delayed {
  handleLater(): void;
}

export class Later {
  private readonly transport: Transport;
  private waiting: Delayed[] = [];
  private spare: Delayed[] = [];

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** In the next turn, which begins at once. */
  add(delayed: Delayed): void {
    this.waiting.push(delayed);
    this.transport.requestTurn();
  }

  /** In the next turn, whenever it begins. */
  addAtLeisure(delayed: Delayed): void {
    this.waiting.push(delayed);
  }

  hurry(): void {
    this.transport.requestTurn();
  }

  handleTurn(): void {
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = this.spare;
    for (const delayed of waiting) delayed.handleLater();
    waiting.length = 0;
    this.spare = waiting;
  }
}
