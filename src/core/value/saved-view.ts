/**
 * What steps have made of a request that waits for somebody else's answer, while other requests are looked at: its target, its values and its
 * identifier. What is in its head is not here: who keeps one of these keeps that.
 */
import { variableNumber, type SavedVariables } from './variables.ts';
import type { RequestView } from './request-view.ts';

const NOTHING: Uint8Array = new Uint8Array(0);

export class SavedView {
  private readonly variables: SavedVariables;
  /** Values that it got meanwhile, which go before those. */
  private readonly later: (readonly [number: number, bytes: Uint8Array])[] = [];
  /** Null: the one that was sent. */
  private readonly target: Uint8Array | null;
  private readonly queryAt: number;
  private readonly isPlaced: boolean;
  private readonly answerStatus: number;
  private readonly answerLocation: Uint8Array | null;
  /** Empty: it has none yet. */
  private readonly requestId: Uint8Array;

  constructor(view: RequestView) {
    const { head } = view;
    this.variables = view.variables.save();
    this.target = view.isRewritten ? view.bytes.slice(head.path, head.path + head.pathLength) : null;
    this.queryAt = head.query - head.path;
    this.isPlaced = view.isPlaced;
    this.answerStatus = view.answerStatus;
    this.answerLocation = view.answerLocation;
    const { requestId, requestIdBytes, requestIdLength } = view;
    this.requestId = requestIdLength === 0 ? NOTHING : requestIdBytes.slice(requestId, requestId + requestIdLength);
  }

  /** The request has this value from here. */
  give(name: string, bytes: Uint8Array): void {
    this.later.push([variableNumber(name), bytes]);
  }

  /** The request is in the view again, with the head that it came with. */
  restore(view: RequestView): void {
    const { queryAt, requestId, target } = this;
    if (target !== null) view.rewrite(target, queryAt, target.length);
    view.isPlaced = this.isPlaced;
    view.answerStatus = this.answerStatus;
    view.answerLocation = this.answerLocation;
    view.requestIdBytes = requestId;
    view.requestId = 0;
    view.requestIdLength = requestId.length;
    this.restoreValues(view);
  }

  /** The same of its values alone. */
  restoreValues({ variables }: RequestView): void {
    variables.restore(this.variables);
    variables.restore({ values: this.later, captures: this.variables.captures });
  }
}
