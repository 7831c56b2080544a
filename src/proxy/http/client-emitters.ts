/** What heads for the clients of one listener are written with, and what theirs are read by. Other ones by another plan. */
import type { ListenerPlan } from '../../config/plan/listener.ts';
import { ascii } from '../../wire/http1/emit.ts';
import type { HeadLimits } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import { NotedFields } from '../log/head-notes.ts';
import { OwnAnswers } from './own-answers.ts';
import { NotingEmitter } from './noting-emitter.ts';
import type { RequestIds } from './request-id.ts';
import { ResponseEmitter } from './response-emitter.ts';

export class ClientEmitters {
  protected readonly context: Context;
  readonly ids: RequestIds;
  limits!: HeadLimits;
  response!: ResponseEmitter;
  own!: OwnAnswers;

  constructor(context: Context, ids: RequestIds, plan: ListenerPlan) {
    this.context = context;
    this.ids = ids;
    this.configure(plan);
  }

  configure({ ignoresOtherHost, limits, noted, via }: ListenerPlan): void {
    const { date, memory } = this.context;
    this.limits = { headBytes: limits.headBytes, headers: limits.headers, ignoresOtherHost };
    const common = [memory, date, viaLine('1.1', via), viaLine('2.0', via)] as const;
    this.response =
      noted === undefined ? new ResponseEmitter(...common) : new NotingEmitter(new NotedFields(noted), ...common);
    this.own = new OwnAnswers(this.context, this.response);
  }
}

/** A complete line, or nothing. `version`: in which it was received. */
export function viaLine(version: string, name: string | null): Uint8Array {
  return ascii(name === null ? '' : `Via: ${version} ${name}\r\n`);
}
