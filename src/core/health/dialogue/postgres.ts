/**
 * PostgreSQL: a start-up message of a user. A server that asks for that user's password is up; it logs nothing of a client
 * that leaves then. Read chapter "Frontend/Backend Protocol" of its manual.
 */
import { encodeUtf8 } from '../../../base/text.ts';
import { type Dialogue, type Reply, evidence, failed, passed } from './dialogue.ts';

const PROTOCOL_3 = [0, 3, 0, 0];
const AUTHENTICATION = 0x52;
const ERROR_RESPONSE = 0x45;
const MESSAGE = 0x4d;
const CODE = 0x43;
const HEADER_BYTES = 5;
const TERMINATE = Uint8Array.of(0x58, 0, 0, 0, 4);

export class PostgresDialogue implements Dialogue {
  readonly opening: Uint8Array;

  constructor(user: string) {
    const parameters = encodeUtf8(`user\0${user}\0database\0postgres\0application_name\0evenkeel-health\0\0`);
    const length = HEADER_BYTES - 1 + PROTOCOL_3.length + parameters.length;
    this.opening = Uint8Array.from([0, 0, length >> 8, length & 0xff, ...PROTOCOL_3, ...parameters]);
  }

  handle(received: Uint8Array): Reply | null {
    const [kind] = received;
    if (kind !== AUTHENTICATION && kind !== ERROR_RESPONSE)
      return failed(`the answer is not PostgreSQL's: ${evidence(received)}`);
    if (received.length < HEADER_BYTES) return null;
    const length = (received[1] << 24) | (received[2] << 16) | (received[3] << 8) | received[4];
    if (received.length < 1 + length) return null;
    if (kind === ERROR_RESPONSE) return failed(errorText(received.subarray(HEADER_BYTES, 1 + length)));
    // of a client that is asked for a password it wants nothing else
    const isLoggedIn = received.subarray(HEADER_BYTES, HEADER_BYTES + 4).every((byte) => byte === 0);
    return passed('it authenticates clients', isLoggedIn ? TERMINATE : null);
  }
}

/** Fields of an ErrorResponse: a letter, text, NUL. */
function errorText(fields: Uint8Array): string {
  let code = '';
  let message = '';
  for (let at = 0; at < fields.length && fields[at] !== 0;) {
    const end = fields.indexOf(0, at);
    if (end < 0) break;
    if (fields[at] === CODE) code = evidence(fields, at + 1, end);
    if (fields[at] === MESSAGE) message = evidence(fields, at + 1, end);
    at = end + 1;
  }
  return `${message} (${code})`;
}
