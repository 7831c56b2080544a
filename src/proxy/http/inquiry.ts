/**
 * Whether a request may go to its route's server, asked of those whom the guard of the route names, one after the other. Each question is an exchange of
 * its own, whose client this is: it takes the status and what the route wants of the head, and drops the body. Meanwhile the request waits,
 * and of its body no more than is here. Whatever goes wrong lets nobody in.
 */
import { assert } from '../../base/assert.ts';
import { CLIENT_LEFT, SERVED } from '../../core/endings.ts';
import { ASK_NEXT, ENTERS, Verdict } from '../../core/guard/verdict.ts';
import { expandText } from '../../core/value/late.ts';
import { SavedView } from '../../core/value/saved-view.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { Span } from '../../core/value/span.ts';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { ResponseHead } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import type { ConnectionInfo, PeerAddress } from '../layer.ts';
import { Discard } from './discard.ts';
import type { Guard, Question } from './guard.ts';
import { ResponseFacts, type Told } from './response-facts.ts';
import { challengeOf, joined } from './response-lines.ts';
import type { ClientSide, Tunnel } from './sides.ts';
import { Trail } from './trail.ts';

const UNAUTHORIZED = 401;
const NOTHING: Uint8Array = new Uint8Array(0);
const NO_ANSWER = 0;

const draft = new Uint8Array(HEAD_BYTES_MAX);
const facts = new ResponseFacts();
const span = new Span();

/** The exchange of the request. */
export interface Asker {
  readonly clientAddress: PeerAddress;
  readonly clientInfo: ConnectionInfo | null;
  readonly listener: ListenerPlan;
  /** Asks the question that is next, or the first one. */
  ask(): void;
  /** As of core/guard. It may be over when this returns. */
  handleVerdict(verdict: number): void;
}

/** That of a question. */
export interface Asked extends Told {
  finish(ending: number): void;
}

export class Inquiry<R> implements ClientSide {
  private readonly context: Context;
  private readonly asker: Asker;
  readonly sink: Discard;
  readonly guard: Guard<R>;
  /** What the request was when it came to its guard, with the values that it was given since. */
  readonly saved: SavedView;
  /** What a client is told that may come with a password. */
  challenge: Uint8Array = NOTHING;
  /** Of each question that has not let it in, the last try; null: there is none. */
  private trail: Trail | null = null;
  private readonly verdict = new Verdict();
  private index = 0;
  /** Of the question under way; null: there is none. */
  private asked: Asked | null = null;
  private status = NO_ANSWER;
  /** What the request gets of the answer to the question under way: with marks, and without, when there is an answer. */
  private texts: Uint8Array[] = [];
  private gifts: Uint8Array[] = [];

  readonly isRequestComplete = true;
  readonly sendsChunks = false;
  readonly hasBodyWaiting = false;
  readonly wantsRestRead = false;
  readonly receivedBytes = 0;
  readonly sentBytes = 0;
  readonly sentHeadBytes = 0;

  /** About the request in the view. Nobody has been asked yet. */
  constructor(context: Context, asker: Asker, guard: Guard<R>, view: RequestView) {
    this.context = context;
    this.asker = asker;
    this.guard = guard;
    this.saved = new SavedView(view);
    this.sink = new Discard(context.arena);
  }

  /** Of the question under way, or of those that have not let it in. */
  get tries(): Trail | null {
    return this.asked === null ? this.trail : this.asked.trail;
  }

  /** The one that is to be asked. */
  get question(): Question<R> {
    return this.guard.questions[this.index];
  }

  /** `asked` goes to whom it is asked of. The request is in the view. */
  send(asked: Asked, view: RequestView): void {
    this.asked = asked;
    this.status = NO_ANSWER;
    this.texts = this.question.gifts.map(({ text }) =>
      draft.slice(0, Math.max(0, text.emitInField(view, draft, 0, draft.length))),
    );
  }

  /** The client has gone, or the request goes on elsewhere. */
  cancel(): void {
    this.end(CLIENT_LEFT);
  }

  private end(ending: number): void {
    const { asked } = this;
    this.asked = null;
    asked?.finish(ending);
  }

  /** The question is answered with this status; 0: it is not. */
  hear(status: number): void {
    const { asked, guard, question } = this;
    const isLast = this.index === guard.questions.length - 1;
    const verdict = this.verdict.hear(status, question.plan.refusals, guard.plan.isAnyEnough, isLast);
    if (verdict !== ENTERS && asked !== null) (this.trail ??= new Trail()).addLastOf(asked.trail);
    this.end(status === NO_ANSWER ? CLIENT_LEFT : SERVED);
    question.gifts.forEach(({ name }, i) => {
      if (this.gifts[i] !== undefined) this.saved.give(name, this.gifts[i]);
    });
    this.gifts = [];
    if (verdict === ASK_NEXT) {
      this.index++;
      this.asker.ask();
    } else this.asker.handleVerdict(verdict);
  }

  // --- the client of a question ---

  get address(): PeerAddress {
    return this.asker.clientAddress;
  }

  get info(): ConnectionInfo | null {
    return this.asker.clientInfo;
  }

  get listenerPlan(): ListenerPlan {
    return this.asker.listener;
  }

  beginResponse(head: ResponseHead): void {
    const { memory, responseValues } = this.context;
    this.status = head.status;
    if (head.status === UNAUTHORIZED) this.challenge = joined(this.challenge, challengeOf(memory, head));
    facts.lookAt(memory, head, head.status, this.asked as Asked, responseValues);
    this.gifts = this.texts.map((text) => {
      const end = expandText(text, 0, text.length, facts, span, draft, 0, draft.length);
      return draft.slice(0, Math.max(0, end));
    });
  }

  handleResponseComplete(): void {
    this.hear(this.status);
  }

  handleResponseBroken(): void {
    this.hear(NO_ANSWER);
  }

  goOn(): void {
    this.hear(NO_ANSWER);
  }

  answer(): void {
    this.hear(NO_ANSWER);
  }

  giveUp(): void {
    this.hear(NO_ANSWER);
  }

  sendInterim(): boolean {
    return true;
  }

  agreesTo(): boolean {
    return false;
  }

  sendSwitching(): boolean {
    return false;
  }

  beginTunnel(tunnel: Tunnel): void {
    tunnel.endTunnel();
    this.hear(NO_ANSWER);
  }

  pump(): void {
    // a question has no body
  }

  noteBacklog(): void {
    // nothing waits for this client
  }

  sendCopies(): void {
    // of a question
  }

  ask(): void {
    assert(false, 'nobody is asked about a question');
  }

  settle(): void {
    this.ask();
  }
}
