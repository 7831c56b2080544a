/** A client of TCP that is told a text, and gets no server. */
import { HEAD_BYTES_MAX } from '../base/limits.ts';
import { TEMPLATE_OVERFLOW, type Template } from '../core/value/template.ts';
import type { RequestView } from '../core/value/request-view.ts';
import type { Socket } from '../port/transport.ts';
import type { Listener } from './listener.ts';
import { Lingering } from './lingering.ts';
import { RateWindow } from './rate-window.ts';

const draft = new Uint8Array(HEAD_BYTES_MAX);

/** Takes over the socket, and releases the listener when it is gone. Bytes of the answer; -1: there is no room for the text, and nothing was done. */
export function answerTcp(listener: Listener, socket: Socket, text: Template, view: RequestView): number {
  const { context, plan } = listener;
  const { arena, memory } = context;
  const length = text.emitAsIs(view, draft, 0);
  const slot = length === TEMPLATE_OVERFLOW ? -1 : arena.allocate(Math.max(1, length));
  if (slot < 0) return -1;
  const at = arena.start(slot);
  memory.set(draft.subarray(0, length), at);
  const client = {
    bodyMs: plan.timeouts.bodyMs,
    bodyRate: plan.limits.bodyRate,
    hasEnded: false,
    closesAtOnce: false,
    isEndedByClose: true,
  };
  socket.resetIfKilled();
  if (length > 0) socket.send(slot, at, length, false);
  else arena.release(slot);
  Lingering.begin(context, socket, new RateWindow(), client, listener);
  return length;
}
