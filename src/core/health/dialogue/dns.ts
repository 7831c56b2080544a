/** DNS over UDP (RFC 1035, section 4): a query for the A records of a name. */
import { encodeUtf8 } from '../../../base/text.ts';
import { type Dialogue, type Reply, failed, passed } from './dialogue.ts';

const HEADER_BYTES = 12;
/** A check has a socket of its own, so that nothing else is answered there. */
const ID = 0x656b;
const RECURSION_DESIRED = 0x01;
const IS_RESPONSE = 0x80;
const TYPE_A = 1;
const CLASS_IN = 1;

/** RFC 1035, section 4.1.1, and RFC 2136. */
const CODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

export class DnsDialogue implements Dialogue {
  readonly opening: Uint8Array;

  /** `name`: of which each label has 1 to 63 bytes; `.` is the root. */
  constructor(name: string) {
    this.opening = queryOf(name);
  }

  handle(received: Uint8Array): Reply | null {
    const isAnswer = received.length >= HEADER_BYTES && ((received[0] << 8) | received[1]) === ID;
    // It may be anybody's.
    if (!isAnswer || (received[2] & IS_RESPONSE) === 0) return null;
    const code = received[3] & 15;
    const answers = (received[6] << 8) | received[7];
    const text = `${CODES.at(code) ?? `code ${code}`}, ${answers === 1 ? '1 answer' : `${answers} answers`}`;
    return code === 0 ? passed(text) : failed(text);
  }
}

function queryOf(name: string): Uint8Array {
  const labels = name.replace(/\.$/, '').split('.').map(encodeUtf8);
  const bytes = [ID >> 8, ID & 255, RECURSION_DESIRED, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  for (const label of labels) if (label.length > 0) bytes.push(label.length, ...label);
  bytes.push(0, 0, TYPE_A, 0, CLASS_IN);
  return Uint8Array.from(bytes);
}
