/** A request as values see it: its head, and what is known of it besides. One object, filled anew for each request. */
import type { RequestHead } from '../../wire/http1/head.ts';
import { IpWords } from '../../wire/ip-text.ts';

export class RequestView {
  /** Holds the head's bytes; valid only as long as they are there. */
  readonly bytes: Uint8Array;
  readonly head: RequestHead;
  /** Who the client is: the peer, or whom trusted proxies name. */
  readonly client = new IpWords();
  /** Who is connected. */
  readonly peer = new IpWords();
  /** The peer is a trusted proxy: what it says of the request is believed. */
  isTrusted = false;
  /** The request's identifier. Length 0: it has none. */
  requestIdBytes: Uint8Array;
  requestId = 0;
  requestIdLength = 0;

  constructor(bytes: Uint8Array, head: RequestHead) {
    this.bytes = bytes;
    this.requestIdBytes = bytes;
    this.head = head;
  }
}
