/**
 * A health check as a conversation in the server's own protocol, that ends as the protocol wants it to end: a server that is
 * left in the middle of a login writes it to its log, and MySQL blocks the host after some of them. Pure: what was received
 * goes in, what is to be sent and a verdict come out. `keeper/servers/probe.ts` has the connection.
 */
import { decodeUtf8 } from '../../../base/text.ts';

/** What is read of a server at most; more without a verdict is a failure. */
export const DIALOGUE_BYTES_MAX = 16 * 1024;

export interface Verdict {
  readonly isPassed: boolean;
  /** What was seen, for people. */
  readonly reason: string;
}

/** What to do next: send something, if there is something, and then wait for more, or leave with the verdict. */
export interface Reply {
  readonly send: Uint8Array | null;
  readonly verdict: Verdict | null;
}

export interface Dialogue {
  /** What the client says first. */
  readonly opening: Uint8Array | null;
  /** `received`: all that has come so far, DIALOGUE_BYTES_MAX at most. Null: it is not enough yet. */
  handle(received: Uint8Array): Reply | null;
}

export function passed(reason: string, farewell: Uint8Array | null = null): Reply {
  return { send: farewell, verdict: { isPassed: true, reason } };
}

export function failed(reason: string, farewell: Uint8Array | null = null): Reply {
  return { send: farewell, verdict: { isPassed: false, reason } };
}

export function say(bytes: Uint8Array): Reply {
  return { send: bytes, verdict: null };
}

const EVIDENCE_MAX = 120;

/** What a server said, for a log line: its first 120 characters, `?` for each that cannot be shown. */
export function evidence(bytes: Uint8Array, at = 0, end = bytes.length): string {
  const text = decodeUtf8(bytes, at, Math.min(end, at + 4 * EVIDENCE_MAX) - at).replace(
    /[^\u0020-\u007e\u00a0-\ufffc]/g,
    '?',
  );
  return text.length > EVIDENCE_MAX ? `${text.slice(0, EVIDENCE_MAX)}...` : text;
}
