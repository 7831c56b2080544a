/** Redis: PING, then QUIT. A server that asks for a password is up; one that loads its data or has lost its master is not. */
import { ascii } from '../../../wire/http1/classes.ts';
import { type Dialogue, type Reply, evidence, failed, passed } from './dialogue.ts';

const CR = 0x0d;
const QUIT = ascii('*1\r\n$4\r\nQUIT\r\n');

export class RedisDialogue implements Dialogue {
  readonly opening = ascii('*1\r\n$4\r\nPING\r\n');

  handle(received: Uint8Array): Reply | null {
    const end = received.indexOf(CR);
    if (end < 0) return null;
    const line = evidence(received, 1, end);
    if (received[0] === 0x2b) return passed(`redis: ${line}`, QUIT);
    if (received[0] !== 0x2d) return failed(`the answer is not Redis's: ${evidence(received, 0, end)}`);
    return line.startsWith('NOAUTH') ? passed(`redis: ${line}`, QUIT) : failed(`redis: ${line}`, QUIT);
  }
}
