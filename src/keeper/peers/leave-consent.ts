/** Has the peers agree before this node hands routers over or takes no clients (core/peers/leave.ts), and answers them when they ask. */
import {
  type LeaveAction,
  LeaveAgreement,
  type LeaveScope,
  type LeaveVerdict,
  type Standing,
} from '../../core/peers/leave.ts';
import type { PeerMessage } from '../../core/peers/messages.ts';
import type { Log } from '../log/log.ts';
import type { PeersKeeper } from './peers-keeper.ts';

export interface LeaveConsentOptions {
  readonly node: string;
  readonly peers: Pick<PeersKeeper, 'agreeing' | 'presences' | 'send'>;
  readonly standing: () => Standing;
  readonly log: Log;
}

export type Refused = { readonly kind: 'refused'; readonly why: string };

export class LeaveConsent {
  private readonly options: LeaveConsentOptions;
  private readonly agreement: LeaveAgreement;
  private decide: (verdict: LeaveVerdict) => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Of the orders of this node one comes after the other. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(options: LeaveConsentOptions) {
    this.options = options;
    this.agreement = new LeaveAgreement(options.node);
  }

  /** Goes if a peer agrees, or if there is none to be asked. */
  leave<T>(routers: LeaveScope, by: string | null, go: () => T | Promise<T>): Promise<T | Refused> {
    const turn = this.last.then(() => this.askAndGo(routers, by, go));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  handleDown(peer: string): void {
    this.perform(this.agreement.handleGone(peer));
  }

  handleMessage(peer: string, message: PeerMessage): void {
    if (message.type === 'may-leave') {
      const actions = this.agreement.handleQuestion(peer, message, this.options.standing());
      this.tellAnswer(peer, message, actions);
      this.perform(actions);
    } else if (message.type === 'leave-answer') {
      this.perform(this.agreement.handleAnswer(peer, message));
    }
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  // --- inside ---

  private async askAndGo<T>(routers: LeaveScope, by: string | null, go: () => T | Promise<T>): Promise<T | Refused> {
    const { peers, log } = this.options;
    const what = whatOf(routers);
    const verdict = await new Promise<LeaveVerdict>((resolve) => {
      this.decide = resolve;
      this.perform(this.agreement.ask({ routers, by, peers: peers.agreeing }, performance.now()));
    });
    if (verdict.kind === 'refused') {
      const why = `no peer stays while ${what} goes: ${verdict.why}`;
      log.info(why);
      return { kind: 'refused', why };
    }
    if (verdict.kind === 'agreed') log.info(`peer ${verdict.peer} has agreed to stay while ${what} goes`);
    else if (peers.presences().length > 0) log.warn(`${what} goes, and no peer was there to agree`);
    try {
      return await go();
    } finally {
      this.agreement.settle();
    }
  }

  private perform(actions: readonly LeaveAction[]): void {
    for (const action of actions) {
      if (action.kind === 'send') this.options.peers.send(action.peer, action.message);
      else this.decide(action.verdict);
    }
    clearTimeout(this.timer);
    const { deadlineMs } = this.agreement;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    const leftMs = Math.max(1, deadlineMs - performance.now());
    this.timer = setTimeout(() => this.perform(this.agreement.handleTime(performance.now())), leftMs).unref();
  }

  private tellAnswer(
    peer: string,
    { routers, by }: Extract<PeerMessage, { type: 'may-leave' }>,
    actions: readonly LeaveAction[],
  ): void {
    for (const action of actions) {
      if (action.kind !== 'send' || action.message.type !== 'leave-answer') continue;
      const { refusal } = action.message;
      const asked = `peer ${peer} asks whether ${routers === null ? 'it' : routers.join(', ')} may go${by === null ? '' : `, for ${by}`}`;
      this.options.log.info(`${asked}: ${refusal === null ? 'this node stays' : `no, ${refusal}`}`);
    }
  }
}

function whatOf(routers: LeaveScope): string {
  return routers === null ? 'this node' : routers.join(', ');
}
