/** Any protocol: a text is sent, and what comes is to match an expression. */
import { Regex } from '../../../base/regex/regex.ts';
import { encodeUtf8 } from '../../../base/text.ts';
import { type Dialogue, type Reply, evidence, passed } from './dialogue.ts';

export class ExpectDialogue implements Dialogue {
  readonly opening: Uint8Array | null;
  private readonly expected: Regex;

  constructor(send: string | null, expected: string) {
    this.opening = send === null ? null : encodeUtf8(send);
    this.expected = new Regex(expected);
  }

  handle(received: Uint8Array): Reply | null {
    return this.expected.test(received, 0, received.length) ? passed(`answer: ${evidence(received)}`) : null;
  }
}
