/** Correspondents that are filled in, of one datagram after the other. */
import type { Correspondents } from '../base/correspondents.ts';
import { IpWords, wordAt } from './ip-text.ts';

export class CorrespondentWords extends IpWords implements Correspondents {
  port = 0;
  local0 = 0;
  local1 = 0;
  local2 = 0;
  local3 = 0;
  localPort = 0;
  proxyPort = 0;
  proxy0 = 0;
  proxy1 = 0;
  proxy2 = 0;
  proxy3 = 0;

  /** The address that was asked: the 16 bytes at `at`. */
  readLocal(bytes: Uint8Array, at: number): void {
    this.local0 = wordAt(bytes, at);
    this.local1 = wordAt(bytes, at + 4);
    this.local2 = wordAt(bytes, at + 8);
    this.local3 = wordAt(bytes, at + 12);
  }
}
