/** Two layers, one on the other: the upper one begins where the lower one is through. */
import type { Socket } from '../port/transport.ts';
import type { ConnectionInfo, Layer, LayerUser, OpenFailure, Opening } from './layer.ts';

export class LayerPair implements Layer {
  private readonly lower: Layer;
  private readonly upper: Layer;

  constructor(lower: Layer, upper: Layer) {
    this.lower = lower;
    this.upper = upper;
  }

  open(socket: Socket, above: LayerUser): Opening {
    const pair = new PairOpening(this.upper, above);
    pair.takeLower(this.lower.open(socket, pair));
    return pair;
  }
}

class PairOpening implements Opening, LayerUser {
  private readonly upper: Layer;
  private readonly above: LayerUser;
  /** Of the layer that is at work. */
  private opening: Opening | null = null;
  private isLower = true;

  constructor(upper: Layer, above: LayerUser) {
    this.upper = upper;
    this.above = above;
  }

  takeLower(opening: Opening): void {
    if (this.isLower) this.opening = opening;
  }

  handleOpen(socket: Socket, below: ConnectionInfo): void {
    const { above } = this;
    this.isLower = false;
    const user: LayerUser = {
      // who the client is, the lower one knows; all else is of what stands over it
      handleOpen: (own, info) => above.handleOpen(own, { ...info, peer: below.peer, told: below.told }),
      handleOpenFailed: (reason) => above.handleOpenFailed(reason),
    };
    this.opening = this.upper.open(socket, user, below.peer);
  }

  handleOpenFailed(reason: OpenFailure): void {
    this.isLower = false;
    this.above.handleOpenFailed(reason);
  }

  get keepsScarce(): boolean {
    return this.opening?.keepsScarce === true;
  }

  cancel(): void {
    this.opening?.cancel();
  }
}
