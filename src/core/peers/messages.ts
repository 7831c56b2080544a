/**
 * What nodes say to each other over their link: JSON, each message with its length in front, 4 bytes, big-endian. A message of a type that is not known is passed
 * over, so that a later version may say more; what changes the meaning of one that is known changes FORMAT, and nodes of two formats say nothing else.
 */
import { type ExceptionsMessage, isExceptionsMessage, isKeptMessage, type KeptMessage } from '../forwarding/words.ts';
import { isPartName, PARTS_MAX } from './configuration-identity.ts';
import { isAnswer, isQuestion, type LeaveMessage } from './leave.ts';
import { isAge, isNodeSummary, type NodeSummary } from './node-summary.ts';

export const FORMAT = 1;
/** A chain of certificates with its key is a tenth of it. */
export const MESSAGE_BYTES_MAX = 256 * 1024;
const LENGTH_BYTES = 4;
const PROOFS_MAX = 1_000;
const TEXT_MAX = 512;

export type PeerMessage =
  /** The first one, of both. */
  | {
      readonly type: 'hello';
      readonly format: number;
      readonly node: string;
      readonly version: string;
      /** It answers `may-leave`; a version before that does not say so. */
      readonly agrees?: boolean;
    }
  /** It lives. */
  | { readonly type: 'beat' }
  /** One that was obtained, with its key: the name of its file, and its content. */
  | { readonly type: 'certificate'; readonly file: string; readonly pem: string }
  /** What authorities look for, all of it: to be answered by both, and to be confirmed. */
  | { readonly type: 'proofs'; readonly number: number; readonly proofs: readonly PeerProof[] }
  | { readonly type: 'confirmed'; readonly number: number }
  /** That its session tickets are made with: 32 bytes, base64url. */
  | { readonly type: 'ticket-secret'; readonly secret: string }
  /** What it goes by, and for how long it has: at the beginning, and when it changes. */
  | {
      readonly type: 'configuration';
      readonly digest: string;
      readonly parts: Readonly<Record<string, string>>;
      readonly ageMs: number;
    }
  /** How it stands. */
  | { readonly type: 'node'; readonly summary: NodeSummary }
  /** It is to hand routers over, or to take no clients. */
  | LeaveMessage
  /** Of connections that kernels forward. */
  | KeptMessage
  | ExceptionsMessage;

export interface PeerProof {
  readonly challenge: 'http-01' | 'tls-alpn-01';
  readonly name: string;
  readonly token: string;
  readonly authorization: string;
}

/** Null: one of a type that is not known. A text: what is wrong with it, for people. */
export function parseMessage(json: string): PeerMessage | string | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return 'it sends something else than JSON';
  }
  if (typeof value !== 'object' || value === null) return 'it sends something else than messages';
  const message = value as Readonly<Record<string, unknown>>;
  const { type } = message;
  if (typeof type !== 'string') return 'it sends something else than messages';
  const check = Object.hasOwn(CHECKS, type) ? CHECKS[type as PeerMessage['type']] : null;
  if (check === null) return null;
  return check(message) ? (value as PeerMessage) : `it sends a \`${type}\` that is none`;
}

const CHECKS: Readonly<Record<PeerMessage['type'], (message: Readonly<Record<string, unknown>>) => boolean>> = {
  hello: ({ format, node, version }) => Number.isSafeInteger(format) && isText(node) && isText(version),
  beat: () => true,
  // A name, and no path.
  certificate: ({ file, pem }) =>
    isText(file) && /^[A-Za-z0-9_][A-Za-z0-9_.-]*\.pem$/.test(file) && typeof pem === 'string',
  proofs: ({ number, proofs }) =>
    Number.isSafeInteger(number) && Array.isArray(proofs) && proofs.length <= PROOFS_MAX && proofs.every(isProof),
  confirmed: ({ number }) => Number.isSafeInteger(number),
  'ticket-secret': ({ secret }) => typeof secret === 'string' && /^[A-Za-z0-9_-]{43}$/.test(secret),
  configuration: ({ digest, parts, ageMs }) => isDigest(digest) && isParts(parts) && isAge(ageMs),
  node: ({ summary }) => isNodeSummary(summary),
  'may-leave': isQuestion,
  'leave-answer': isAnswer,
  kept: isKeptMessage,
  exceptions: isExceptionsMessage,
};

function isProof(value: unknown): value is PeerProof {
  if (typeof value !== 'object' || value === null) return false;
  const { challenge, name, token, authorization } = value as Readonly<Record<string, unknown>>;
  const isKnown = challenge === 'http-01' || challenge === 'tls-alpn-01';
  return isKnown && isText(name) && isWord(token) && isWord(authorization);
}

function isParts(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const parts = Object.entries(value);
  return parts.length <= PARTS_MAX && parts.every(([name, digest]) => isPartName(name) && isDigest(digest));
}

function isDigest(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{12,64}$/.test(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= TEXT_MAX;
}

/** As tokens and thumbprints are. It becomes a part of a path, and the body of a response. */
function isWord(value: unknown): boolean {
  return isText(value) && /^[A-Za-z0-9_.-]+$/.test(value);
}

/** Puts messages together again, whatever pieces they come in. */
export class MessageReader {
  private rest: Uint8Array = new Uint8Array(0);

  /** The messages that are whole now. Null: one is longer than any. `bytes` is kept. */
  push(bytes: Uint8Array): readonly Uint8Array[] | null {
    const all = join(this.rest, bytes);
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    const messages: Uint8Array[] = [];
    let at = 0;
    while (all.length - at >= LENGTH_BYTES) {
      const length = view.getUint32(at);
      if (length > MESSAGE_BYTES_MAX) return null;
      if (all.length - at - LENGTH_BYTES < length) break;
      at += LENGTH_BYTES;
      messages.push(all.subarray(at, at + length));
      at += length;
    }
    this.rest = all.subarray(at);
    return messages;
  }
}

/** With its length in front. */
export function frameOf(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(LENGTH_BYTES + message.length);
  new DataView(frame.buffer).setUint32(0, message.length);
  frame.set(message, LENGTH_BYTES);
  return frame;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
