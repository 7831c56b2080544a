/**
 * SSH: identifications are exchanged and the client disconnects by a message, which sshd logs as information. A client that
 * closes without one is an error in its log. RFC 4253 sections 4.2, 6 and 11.1.
 */
import { ascii } from '../../../wire/http1/classes.ts';
import { type Dialogue, type Reply, evidence, failed, passed } from './dialogue.ts';

const LF = 0x0a;
const IDENTIFICATION = ascii('SSH-2.0-evenkeel_health\r\n');
const SSH_MSG_DISCONNECT = 1;
const BY_APPLICATION = 11;
const BLOCK_BYTES = 8;

export class SshDialogue implements Dialogue {
  readonly opening = null;

  handle(received: Uint8Array): Reply | null {
    // lines of another kind may stand before the identification
    for (let at = 0; ;) {
      const end = received.indexOf(LF, at);
      if (end < 0) return null;
      const line = evidence(received, at, end).replace(/\?$/, '');
      if (line.startsWith('SSH-2.') || line.startsWith('SSH-1.99')) return passed(`greeting: ${line}`, FAREWELL);
      if (line.startsWith('SSH-') || !/^[ -~]*$/.test(line)) return failed(`the greeting is not of SSH 2: ${line}`);
      if (/^(Exceeded MaxStartups|Not allowed)/.test(line)) return failed(`greeting: ${line}`);
      at = end + 1;
    }
  }
}

/** A binary packet before keys are exchanged: length, length of padding, message, padding. */
function disconnect(description: string): Uint8Array {
  const text = ascii(description);
  const payload = [SSH_MSG_DISCONNECT, 0, 0, 0, BY_APPLICATION, 0, 0, 0, text.length, ...text, 0, 0, 0, 0];
  let padding = BLOCK_BYTES - ((5 + payload.length) % BLOCK_BYTES);
  if (padding < 4) padding += BLOCK_BYTES;
  const length = 1 + payload.length + padding;
  return Uint8Array.from([0, 0, 0, length, padding, ...payload, ...new Array<number>(padding).fill(0)]);
}

const FAREWELL = Uint8Array.from([...IDENTIFICATION, ...disconnect('health check')]);
