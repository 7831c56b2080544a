/** What the connections of one listener write heads with, and read them by. Other ones by another plan. */
import type { ListenerPlan } from '../../config/plan.ts';
import { ascii } from '../../wire/http1/emit.ts';
import type { HeadLimits } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import type { RequestIds } from '../http/request-id.ts';
import { OwnAnswers } from './own-answers.ts';
import { RequestEmitter } from './request-emitter.ts';
import { ResponseEmitter } from './response-emitter.ts';

export class Emitters {
  private readonly context: Context;
  readonly ids: RequestIds;
  limits!: HeadLimits;
  request!: RequestEmitter;
  response!: ResponseEmitter;
  own!: OwnAnswers;

  constructor(context: Context, ids: RequestIds, plan: ListenerPlan) {
    this.context = context;
    this.ids = ids;
    this.configure(plan);
  }

  configure({ forwarded, ignoresOtherHost, limits, via: name }: ListenerPlan): void {
    const { date, memory, prng } = this.context;
    const via = ascii(name === null ? '' : `Via: 1.1 ${name}\r\n`);
    this.limits = { headBytes: limits.headBytes, headers: limits.headers, ignoresOtherHost };
    this.request = new RequestEmitter(memory, prng, this.ids, via, forwarded.kind === 'append');
    this.response = new ResponseEmitter(memory, date, via);
    this.own = new OwnAnswers(this.context, this.response);
  }
}
