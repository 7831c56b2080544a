/** Responses of servers that go on with another status than they came with. */
import type { ResponseHead } from '../../wire/http1/head.ts';

const SPACE = 0x20;

/** Gives a response that is here another status, without a reason: whoever passes it on says the one of this status. */
export function restate(memory: Uint8Array, head: ResponseHead, status: number): void {
  const at = head.fieldsStart - '200\r\n'.length;
  head.start = at - 'HTTP/1.1 '.length;
  memory[at - 1] = SPACE;
  memory[at] = 0x30 + Math.floor(status / 100);
  memory[at + 1] = 0x30 + (Math.floor(status / 10) % 10);
  memory[at + 2] = 0x30 + (status % 10);
  head.status = status;
}
