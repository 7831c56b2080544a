/**
 * What one exchange's response goes through on its way from the server to the client, in this order: an encoder, and a rate. Only exchanges whose
 * route has a rule for one of them have a passage; the others know nothing of it.
 */
import { Pace } from '../../core/bandwidth/pace.ts';
import { type BandwidthRule, UNLIMITED, UNSAID } from '../../core/bandwidth/rule.ts';
import type { CompressionRule } from '../../core/compress/rule.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { BODY_LENGTH, BODY_NONE, type ResponseHead } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import type { CompressedBodyOwner } from './compressed-body.ts';
import type { HeaderEdit } from './header-edit.ts';
import { PacedBody, type PacedBodyOwner } from './paced-body.ts';
import { ResponseCompression } from './response-compression.ts';
import type { BodySink, ClientSide } from './sides.ts';

/** Of a route; at least one of them is not null. */
export interface PassageRules {
  readonly compression: CompressionRule | null;
  readonly bandwidth: BandwidthRule | null;
}

export class ResponsePassage implements CompressedBodyOwner, PacedBodyOwner {
  private readonly context: Context;
  private readonly owner: CompressedBodyOwner;
  private compression: ResponseCompression | null = null;
  /** Null: no route of a request that it had compresses anything. */
  private ownCompression: ResponseCompression | null = null;
  private bandwidth: BandwidthRule | null = null;
  /** Bytes in a second, or UNLIMITED; and those that are not counted. */
  private rate = UNLIMITED;
  private after = 0;
  /** By a response that was not for the client, or UNSAID. */
  private saidRate = UNSAID;
  private paced: PacedBody | null = null;
  /** The server has done its part, and what it sent is still here. */
  isFinishing = false;

  /** `owner`: is told what the last of its parts says. */
  constructor(context: Context, owner: CompressedBodyOwner) {
    this.context = context;
    this.owner = owner;
  }

  /** The response to the request in the view is to go by these rules. `isFirst`: the request goes to a first route. */
  ask({ bandwidth, compression }: PassageRules, view: RequestView, isFirst: boolean): this {
    if (compression === null) this.compression = null;
    else {
      this.compression = this.ownCompression ??= new ResponseCompression(this.context, this);
      this.compression.ask(compression, view);
    }
    this.bandwidth = bandwidth;
    if (bandwidth !== null) {
      this.rate = bandwidth.rateFor(view);
      this.after = bandwidth.afterFor(view);
    }
    if (isFirst) this.saidRate = UNSAID;
    return this;
  }

  /** A response with this head is not for the client, and what it says of the rate is for the one that will be. */
  keepSaid(head: ResponseHead): void {
    const said = this.bandwidth === null ? UNSAID : this.bandwidth.saidBy(this.context.memory, head);
    if (said !== UNSAID) this.saidRate = said;
  }

  /** Begins the response with this head for the client, as ClientSide.beginResponse. */
  begin(
    client: ClientSide,
    head: ResponseHead,
    edit: HeaderEdit,
    lines: Uint8Array,
    body: number,
    isReusable: boolean,
  ): void {
    this.paced = this.pace(client, head, body);
    const { compression, paced } = this;
    if (compression === null) client.beginResponse(head, edit, lines, body, isReusable);
    else compression.begin(client, paced ?? client.sink, head, edit, lines, body, isReusable);
  }

  /** Null: it goes as fast as it can, or is gone in the first second. */
  private pace(client: ClientSide, head: ResponseHead, body: number): PacedBody | null {
    const { after, bandwidth, context } = this;
    if (bandwidth === null || body === BODY_NONE) return null;
    this.keepSaid(head);
    const rate = this.saidRate === UNSAID ? this.rate : this.saidRate;
    if (rate === UNLIMITED || (body === BODY_LENGTH && head.contentLength <= after + rate)) return null;
    return new PacedBody(context, new Pace(rate, after, context.transport.now), client.sink, this);
  }

  /** Where the server's bytes go; null: to the client. */
  get sink(): BodySink | null {
    return this.compression?.body ?? this.paced;
  }

  get keepsScarce(): boolean {
    return this.compression?.body?.keepsScarce === true || this.paced?.keepsScarce === true;
  }

  /** The server has done its part. True: so has the client, but for the end of its response. */
  finish(): boolean {
    this.isFinishing = !this.isDone;
    return this.isDone;
  }

  private get isDone(): boolean {
    return this.compression?.body?.isDone !== false && this.paced?.isDone !== false;
  }

  /** The client takes more. False: it is the server's turn. */
  resume(): boolean {
    const { compression, paced } = this;
    if (paced?.resume() === true) return true;
    if (compression?.body?.resume() === true) return true;
    if (!this.isFinishing || !this.isDone) return false;
    this.owner.handleWorkedOn();
    return true;
  }

  handleClientFull(): void {
    this.owner.handleClientFull();
  }

  handleWorkedOn(): void {
    if (!this.isFinishing || this.isDone) this.owner.handleWorkedOn();
  }

  handlePaced(): void {
    if (this.compression?.body?.resume() !== true) this.handleWorkedOn();
  }

  /** The response is over, or is for nobody. */
  end(): void {
    this.compression?.end();
    this.paced?.release();
    this.paced = null;
    this.isFinishing = false;
  }
}
