/** A datagram, for the system to say that nobody is there; whatever comes back is an answer. */
import { encodeUtf8 } from '../../../base/text.ts';
import { type Dialogue, type Reply, evidence, passed } from './dialogue.ts';

export class UdpDialogue implements Dialogue {
  readonly opening: Uint8Array;

  constructor(send: string | null) {
    this.opening = encodeUtf8(send ?? '');
  }

  handle(received: Uint8Array): Reply {
    return passed(`answer: ${evidence(received)}`);
  }
}
