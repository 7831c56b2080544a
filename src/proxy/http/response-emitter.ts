/**
 * The head that goes to a client, written from a server's head (RFC 9110 section 7.6) or made by the proxy itself. Heads
 * are written into the scratch slot, because the body they belong in front of stands in another. They are lines: HTTP/1 sends
 * them as they are, HTTP/2 packs them.
 */
import { grpcStatusOf } from '../../core/grpc/grpc.ts';
import {
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_CONTENT_LENGTH,
  F_DATE,
  type ResponseHead,
} from '../../wire/http1/head.ts';
import {
  ascii,
  droppedIds,
  emitBytes,
  emitContentLength,
  emitCrlf,
  emitDecimal,
  emitFragment,
  emitKeptFields,
} from '../../wire/http1/emit.ts';
import { assert } from '../../base/assert.ts';
import {
  HEAD_BYTES_MAX,
  HEAD_SLOT_BYTES,
  RESPOND_BODY_BYTES_MAX,
  RESPONSE_EDIT_BYTES_MAX,
  VIA_BYTES_MAX,
} from '../../base/limits.ts';
import type { HeadNotes } from '../log/head-notes.ts';
import type { HeaderEdit } from './header-edit.ts';
import { HOP_BY_HOP } from './hop-by-hop.ts';
import { type OwnResponse, reasonOf, TEXT_PLAIN } from './own-responses.ts';

/** What is said about the connection. */
export const PERSIST_SILENTLY = 0; // HTTP/1.1: persistent without a word
export const PERSIST_EXPLICITLY = 1; // HTTP/1.0 client that asked for it
export const CLOSE = 2;
/** Besides one of these: to a client of HTTP/1.1, what the server would change to (RFC 9110 section 7.8). */
export const OFFERS_UPGRADE = 4;

/** The rest of a head of ours besides what a server sent, a route adds and Via says: status line, Date, Connection, framing. */
const OWN_LINES_BYTES_MAX = 256;
// Every head is written into the scratch slot without further looks at its length.
assert(
  HEAD_BYTES_MAX + RESPONSE_EDIT_BYTES_MAX + VIA_BYTES_MAX + OWN_LINES_BYTES_MAX <= HEAD_SLOT_BYTES &&
    RESPOND_BODY_BYTES_MAX + RESPONSE_EDIT_BYTES_MAX + VIA_BYTES_MAX + OWN_LINES_BYTES_MAX <= HEAD_SLOT_BYTES,
  'the largest head does not fit a slot',
);

const HTTP_1_1 = ascii('HTTP/1.1');
const CONNECTION_KEEP_ALIVE = ascii('Connection: keep-alive\r\n');
const CONNECTION_CLOSE = ascii('Connection: close\r\n');
const CONNECTION_UPGRADE = ascii('Connection: upgrade\r\nUpgrade: ');
const TRANSFER_ENCODING_CHUNKED = ascii('Transfer-Encoding: chunked\r\n');
const CONTENT_TYPE = ascii('Content-Type: ');
const DATE = ascii('Date: ');
const X_REQUEST_ID = ascii('X-Request-Id: ');
/** In the text of an error. */
const REQUEST_ID = ascii('request id: ');

/** ` 200` */
const STATUS_BYTES = 4;
const GRPC_START = ascii('HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n');
const GRPC_STATUS = ascii('grpc-status: ');
const GRPC_MESSAGE = ascii('\r\ngrpc-message: ');

const SPACE = 32;
const HTTP_2 = 20;
const LF = 10;

/** Never copied. */
const DROPPED = droppedIds(...HOP_BY_HOP);
/** Where the message has no length to tell: chunked, ended by close, 1xx and 204. */
const DROPPED_WITH_LENGTH = droppedIds(...HOP_BY_HOP, F_CONTENT_LENGTH);

/** A request that is in access logs has drafts; what they say of its response. */
export interface Noted {
  readonly drafts: readonly unknown[];
  notes: HeadNotes | null;
}

export class ResponseEmitter {
  protected readonly memory: Uint8Array;
  private readonly date: Uint8Array;
  private readonly via: Uint8Array;
  /** The same of a response that came over HTTP/2. */
  private readonly via2: Uint8Array;
  /** Of the whole response that was written last. */
  bodyBytes = 0;

  /** `date`: the current value of a Date field, kept up to date by its owner. `via`, `via2`: complete lines, or empty. */
  constructor(memory: Uint8Array, date: Uint8Array, via: Uint8Array, via2: Uint8Array) {
    this.memory = memory;
    this.date = date;
    this.via = via;
    this.via2 = via2;
    assert(via.length <= VIA_BYTES_MAX + 'Via: 1.1 \r\n'.length, 'Via too large');
  }

  /**
   * The head of a final response. `lines`: what `edit` adds to it; `isChunked`: chunks follow; `keepsLength`: Content-Length
   * is passed on.
   */
  emitFinal(
    head: ResponseHead,
    edit: HeaderEdit,
    lines: Uint8Array,
    isChunked: boolean,
    keepsLength: boolean,
    connection: number,
    at: number,
  ): number {
    const memory = this.memory;
    at = this.emitStatusLine(head, at);
    const drops = keepsLength ? DROPPED : DROPPED_WITH_LENGTH;
    at = edit.isEmpty ? emitKeptFields(memory, at, memory, head, drops) : this.emitEditedFields(head, edit, drops, at);
    if ((head.seen & (1 << F_DATE)) === 0) at = this.emitDate(at);
    if (head.hasOddLength && keepsLength) at = emitContentLength(memory, at, head.contentLength);
    if (isChunked) at = emitFragment(memory, at, TRANSFER_ENCODING_CHUNKED);
    if (connection !== PERSIST_SILENTLY) at = this.emitConnectionOf(head, edit, connection, at);
    if (this.via.length > 0) at = emitFragment(memory, at, head.version === HTTP_2 ? this.via2 : this.via);
    at = emitFragment(memory, at, lines);
    return emitCrlf(memory, at);
  }

  /**
   * A final head for this request, `length` bytes at `at`, has been written. `head`: the server's; null: an answer of the proxy's own.
   * See NotingEmitter.
   */
  note(_request: Noted, _head: ResponseHead | null, _at: number, _length: number): void {
    // nobody wants to know
  }

  /** A 1xx head other than 101. */
  emitInterim(head: ResponseHead, at: number): number {
    at = this.emitStatusLine(head, at);
    at = emitKeptFields(this.memory, at, this.memory, head, DROPPED_WITH_LENGTH);
    return emitCrlf(this.memory, at);
  }

  /** The head of 101 Switching Protocols. */
  emitSwitching(head: ResponseHead, edit: HeaderEdit, lines: Uint8Array, at: number): number {
    const memory = this.memory;
    at = this.emitStatusLine(head, at);
    at = edit.isEmpty
      ? emitKeptFields(memory, at, memory, head, DROPPED_WITH_LENGTH)
      : this.emitEditedFields(head, edit, DROPPED_WITH_LENGTH, at);
    at = this.emitUpgrade(head, at);
    at = emitFragment(memory, at, lines);
    return emitCrlf(memory, at);
  }

  /**
   * A whole response of the proxy's own. `location` and `edits` are complete lines or empty. A response to HEAD has
   * everything but the body (RFC 9110 section 9.3.2).
   */
  emitOwn(
    response: OwnResponse,
    contentType: Uint8Array,
    location: Uint8Array,
    edits: Uint8Array,
    isHead: boolean,
    connection: number,
    at: number,
  ): number {
    const { memory } = this;
    const { body } = response;
    at = this.emitOwnFields(response, contentType, body.length, connection, at);
    at = emitFragment(memory, at, location);
    at = emitFragment(memory, at, edits);
    at = emitCrlf(memory, at);
    this.bodyBytes = isHead || !hasContent(response) ? 0 : body.length;
    return this.bodyBytes === 0 ? at : emitFragment(memory, at, body);
  }

  /** A whole error of the proxy's own, with the identifier of the request: `idLength` bytes of `id` at `idAt`. */
  emitError(
    response: OwnResponse,
    id: Uint8Array,
    idAt: number,
    idLength: number,
    lines: Uint8Array,
    isHead: boolean,
    connection: number,
    at: number,
  ): number {
    const { memory } = this;
    const { body } = response;
    const bodyLength = body.length + REQUEST_ID.length + idLength + 1;
    at = this.emitOwnFields(response, TEXT_PLAIN, bodyLength, connection, at);
    at = emitFragment(memory, at, X_REQUEST_ID);
    at = emitBytes(memory, at, id, idAt, idLength);
    at = emitCrlf(memory, at);
    at = emitFragment(memory, at, lines);
    at = emitCrlf(memory, at);
    this.bodyBytes = isHead ? 0 : bodyLength;
    if (isHead) return at;
    at = emitFragment(memory, at, body);
    at = emitFragment(memory, at, REQUEST_ID);
    at = emitBytes(memory, at, id, idAt, idLength);
    memory[at++] = LF;
    return at;
  }

  /**
   * The same for a call of gRPC: an answer without a message ("trailers-only"), which says its error in fields of its own. Texts of errors have
   * nothing that would have to be escaped there.
   */
  emitGrpcError(
    response: OwnResponse,
    id: Uint8Array,
    idAt: number,
    idLength: number,
    lines: Uint8Array,
    at: number,
  ): number {
    const { memory } = this;
    const { body } = response;
    at = emitFragment(memory, at, GRPC_START);
    at = this.emitDate(at);
    at = emitFragment(memory, at, GRPC_STATUS);
    at = emitDecimal(memory, at, grpcStatusOf(response.status));
    at = emitFragment(memory, at, GRPC_MESSAGE);
    // without its LF
    at = emitBytes(memory, at, body, 0, Math.max(0, body.length - 1));
    at = emitCrlf(memory, at);
    at = emitFragment(memory, at, X_REQUEST_ID);
    at = emitBytes(memory, at, id, idAt, idLength);
    at = emitCrlf(memory, at);
    if (this.via.length > 0) at = emitFragment(memory, at, this.via);
    at = emitFragment(memory, at, lines);
    this.bodyBytes = 0;
    return emitCrlf(memory, at);
  }

  /** All of the head that every response of ours has. */
  private emitOwnFields(
    response: OwnResponse,
    contentType: Uint8Array,
    bodyLength: number,
    connection: number,
    at: number,
  ): number {
    const { memory } = this;
    const { status, reason } = response;
    at = emitFragment(memory, at, HTTP_1_1);
    memory[at++] = SPACE;
    at = emitDecimal(memory, at, status);
    memory[at++] = SPACE;
    at = emitFragment(memory, at, reason);
    at = emitCrlf(memory, at);
    at = this.emitDate(at);
    if (hasContent(response)) {
      if (bodyLength > 0) {
        at = emitFragment(memory, at, CONTENT_TYPE);
        at = emitFragment(memory, at, contentType);
        at = emitCrlf(memory, at);
      }
      at = emitContentLength(memory, at, bodyLength);
    }
    if (connection !== PERSIST_SILENTLY) at = this.emitConnection(connection, at);
    return this.via.length > 0 ? emitFragment(memory, at, this.via) : at;
  }

  /**
   * In our version. Where there is not even the space that RFC 9112 section 4 wants behind the status, the usual reason is
   * said: of a server that gives none, and of an answer that has got another status.
   */
  private emitStatusLine(head: ResponseHead, at: number): number {
    at = emitFragment(this.memory, at, HTTP_1_1);
    const rest = head.start + HTTP_1_1.length;
    const length = head.fieldsStart - 2 - rest;
    at = emitBytes(this.memory, at, this.memory, rest, length);
    if (length === STATUS_BYTES) {
      this.memory[at++] = SPACE;
      at = emitFragment(this.memory, at, reasonOf(head.status));
    }
    return emitCrlf(this.memory, at);
  }

  private emitEditedFields(head: ResponseHead, edit: HeaderEdit, drops: Uint8Array, at: number): number {
    const memory = this.memory;
    const fields = head.fields;
    const count = head.fieldCount;
    for (let i = 0; i < count; i++) {
      const field = i * FIELD_WORDS;
      if (drops[fields[field + FIELD_ID]] === 1) continue;
      const name = fields[field + FIELD_NAME];
      if (edit.drops(memory, name, fields[field + FIELD_NAME_LENGTH])) continue;
      const next = i + 1 < count ? fields[field + FIELD_WORDS + FIELD_NAME] : head.fieldsEnd;
      at = emitBytes(memory, at, memory, name, next - name);
    }
    return at;
  }

  /** Of a server's response. */
  private emitConnectionOf(head: ResponseHead, edit: HeaderEdit, connection: number, at: number): number {
    const persistence = connection & ~OFFERS_UPGRADE;
    if (persistence !== connection) {
      const field = head.upgradeField * FIELD_WORDS;
      const [name, length] = [head.fields[field + FIELD_NAME], head.fields[field + FIELD_NAME_LENGTH]];
      if (edit.isEmpty || !edit.drops(this.memory, name, length)) at = this.emitUpgrade(head, at);
    }
    return persistence === PERSIST_SILENTLY ? at : this.emitConnection(persistence, at);
  }

  private emitUpgrade(head: ResponseHead, at: number): number {
    const { memory } = this;
    const field = head.upgradeField * FIELD_WORDS;
    at = emitFragment(memory, at, CONNECTION_UPGRADE);
    at = emitBytes(memory, at, memory, head.fields[field + FIELD_VALUE], head.fields[field + FIELD_VALUE_LENGTH]);
    return emitCrlf(memory, at);
  }

  private emitConnection(connection: number, at: number): number {
    return emitFragment(this.memory, at, connection === CLOSE ? CONNECTION_CLOSE : CONNECTION_KEEP_ALIVE);
  }

  /** RFC 9110 section 6.6.1. */
  private emitDate(at: number): number {
    at = emitFragment(this.memory, at, DATE);
    at = emitFragment(this.memory, at, this.date);
    return emitCrlf(this.memory, at);
  }
}

/** RFC 9110 sections 15.3.5 and 15.4.5. */
function hasContent({ status }: OwnResponse): boolean {
  return status !== 204 && status !== 304;
}
