/** What the connections of one listener write heads with, and read them by. Other ones by another plan. */
import type { ListenerPlan } from '../../config/plan.ts';
import { ClientEmitters } from '../http/client-emitters.ts';
import { RequestEmitter } from './request-emitter.ts';

export class Emitters extends ClientEmitters {
  request!: RequestEmitter;

  override configure(plan: ListenerPlan): void {
    super.configure(plan);
    const { memory, prng } = this.context;
    this.request = new RequestEmitter(memory, prng, this.ids, plan.via, plan.forwarded.kind === 'append');
  }
}
