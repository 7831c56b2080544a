/**
 * MySQL and MariaDB: a login as a user without password and without rights, then COM_QUIT. A client that leaves before its login is
 * counted in Aborted_connects, logged, and blocked after max_connect_errors. Read "Connection Phase" of the client/server
 * protocol.
 */
import { encodeUtf8 } from '../../../base/text.ts';
import { type Dialogue, type Reply, evidence, failed, passed, say } from './dialogue.ts';

const HEADER_BYTES = 4;
const PROTOCOL_10 = 10;
const OK = 0x00;
const ERR = 0xff;
const AUTH_SWITCH = 0xfe;
const AUTH_MORE_DATA = 0x01;
/** caching_sha2_password: nothing more is wanted. */
const FAST_AUTH_SUCCESS = 3;
/** CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION, CLIENT_PLUGIN_AUTH, little-endian. */
const CAPABILITIES = [0x00, 0x82, 0x08, 0x00];
const UTF8 = 33;
const COM_QUIT = Uint8Array.of(1, 0, 0, 0, 1);

export class MysqlDialogue implements Dialogue {
  readonly opening = null;
  private readonly user: string;
  /** Bytes that were looked at. */
  private done = 0;
  private version: string | null = null;

  constructor(user: string) {
    this.user = user;
  }

  handle(received: Uint8Array): Reply | null {
    let send: Uint8Array | null = null;
    for (;;) {
      const at = this.done;
      if (received.length < at + HEADER_BYTES) break;
      const end = at + HEADER_BYTES + (received[at] | (received[at + 1] << 8) | (received[at + 2] << 16));
      if (received.length < end) break;
      this.done = end;
      const reply = this.packet(received.subarray(at + HEADER_BYTES, end), received[at + 3] + 1);
      if (reply === null) continue;
      if (reply.verdict !== null) return reply;
      send = reply.send;
    }
    return send === null ? null : say(send);
  }

  private packet(packet: Uint8Array, sequence: number): Reply | null {
    const [kind] = packet;
    if (kind === ERR) return failed(errorText(packet));
    if (this.version === null) {
      if (kind !== PROTOCOL_10) return failed(`the greeting is not MySQL's: ${evidence(packet)}`);
      const end = packet.indexOf(0, 1);
      this.version = evidence(packet, 1, end < 0 ? packet.length : end);
      return say(frame(handshakeResponse(this.user), sequence));
    }
    if (kind === OK) return passed(`greeting: ${this.version}`, COM_QUIT);
    // of an empty password every method makes nothing
    if (kind === AUTH_SWITCH) return say(frame(new Uint8Array(0), sequence));
    if (kind === AUTH_MORE_DATA && packet[1] === FAST_AUTH_SUCCESS) return null;
    return failed(`user ${this.user} cannot log in without a password`, COM_QUIT);
  }
}

function errorText(packet: Uint8Array): string {
  const code = packet[1] | (packet[2] << 8);
  // `#` and five characters of SQLSTATE, once the handshake has begun
  const at = packet[3] === 0x23 ? 9 : 3;
  return `ERR ${code} ${evidence(packet, at)}`;
}

function handshakeResponse(user: string): Uint8Array {
  const text = encodeUtf8(`${user}\0`);
  const plugin = encodeUtf8('mysql_native_password\0');
  const head = [...CAPABILITIES, 0, 0, 0, 1, UTF8, ...new Array<number>(23).fill(0)];
  return Uint8Array.from([...head, ...text, 0, ...plugin]);
}

function frame(payload: Uint8Array, sequence: number): Uint8Array {
  return Uint8Array.from([payload.length & 0xff, payload.length >> 8, 0, sequence & 0xff, ...payload]);
}
