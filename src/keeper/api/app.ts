/**
 * The admin API over HTTP: each operation of the table (src/api/operations.ts) with what is asked for checked, who may, and its answer or
 * its refusal as JSON. Knows no sockets.
 */
import { type Context, Hono } from 'hono';
import type * as z from 'zod';
import {
  type Access,
  type Answer,
  type Input,
  type Operation,
  type OperationId,
  OPERATIONS,
} from '../../api/operations.ts';
import { openApiDocument } from '../../api/openapi.ts';
import { redactText } from '../../config/redact.ts';
import type { Log } from '../log/log.ts';
import { mediaFor } from './accept.ts';

/** Who asks, as far as is known. */
export interface Caller {
  /** For the log; null: only what they say themselves. */
  readonly name: string | null;
}

/** Who asks, or why they may not. */
export type Admission = Caller | { readonly status: 401 | 403 | 503; readonly why: string };

/** What is known of a request before it is looked at. */
export type Admit<E> = (access: Access, request: Request, env: E) => Admission;

/** It cannot be done; the message says why, for people. Thrown by handlers. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: 400 | 404 | 409 | 412 | 413 | 415 | 422 | 428;

  constructor(status: Refusal['status'], message: string) {
    super(message);
    this.status = status;
  }
}

/** It cannot be done now, and can be later. */
export class NotNowError extends Refusal {
  constructor(message: string) {
    super(409, message);
  }
}

/** `by`: who says so; null: they do not. `media`: what the answer is in, of the types of the operation. */
type Handler<Id extends OperationId> = (
  input: Input<Id>,
  by: string | null,
  media: string,
) => Answer<Id> | Promise<Answer<Id>>;

export type Handlers = { readonly [Id in OperationId]: Handler<Id> } & {
  /** Then nothing can be ordered any more. */
  readonly isStopping: () => boolean;
  /** Of the configuration in force. */
  readonly etag: () => string;
};

/** A part of an answer that is JSON already, for it is too long to be made here. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type AnyHandler = (input: unknown, by: string | null, media: string) => unknown;

/** A name that goes into the log and into a file. */
const BY_CHARACTERS_MAX = 64;
/** As long as a file may be. */
const BODY_BYTES_MAX = 16 * 2 ** 20;
/** An answer is made as text in pieces of so many items of a list, and others have their turn between. */
const SLICE_ITEMS = 100;

export interface AppOptions<E> {
  readonly handlers: Handlers;
  readonly version: string;
  readonly admit: Admit<E>;
  readonly log: Log;
}

export function createApp<E extends object>({ handlers, version, admit, log }: AppOptions<E>): Hono<{ Bindings: E }> {
  const app = new Hono<{ Bindings: E }>();
  let document: string | null = null;
  const allowed = new Map<string, string[]>();
  for (const [id, operation] of Object.entries(OPERATIONS) as [OperationId, Operation][]) {
    const path = operation.path.replaceAll(/\{(\w+)\}/g, ':$1');
    allowed.set(path, [...(allowed.get(path) ?? []), operation.method.toUpperCase()]);
    app.on(operation.method, path, (c) => answer(c, operation, handlers, handlers[id] as AnyHandler, admit));
  }
  app.get('/v1/openapi.json', (c) => {
    const admission = admit('read', c.req.raw, c.env);
    return 'why' in admission
      ? failure(c, admission.status, admission.why)
      : json(c, 200, (document ??= `${JSON.stringify(openApiDocument(version))}\n`));
  });
  for (const [path, methods] of allowed) {
    app.all(path, (c) => failure(c, 405, `only ${methods.join(', ')}`, { allow: methods.join(', ') }));
  }
  app.onError((error, c) => {
    log.error(`the admin API failed by a bug at ${c.req.method} ${c.req.path}: ${error.stack ?? error.message}`);
    return failure(c, 500, `failed by a bug, which the log tells of: ${error.message}`);
  });
  app.notFound((c) => failure(c, 404, 'there is nothing of that name; /v1/openapi.json says what there is'));
  return app;
}

async function answer<E extends object>(
  c: Context<{ Bindings: E }>,
  operation: Operation,
  { isStopping, etag }: Handlers,
  handle: AnyHandler,
  admit: Admit<E>,
): Promise<Response> {
  const caller = admit(operation.access, c.req.raw, c.env);
  if ('why' in caller) return failure(c, caller.status, caller.why);
  if (operation.access === 'write' && isStopping()) return failure(c, 409, 'this evenkeel is stopping');
  const params = operation.params.safeParse(c.req.param());
  if (!params.success) return failure(c, 400, issueText(params.error));
  const isStream = operation.media === 'text/event-stream';
  const seen = isStream ? c.req.header('last-event-id') : undefined;
  const query = operation.query.safeParse({ ...c.req.query(), ...(seen === undefined ? {} : { after: seen }) });
  if (!query.success) return failure(c, 400, issueText(query.error));
  try {
    const { media: usual, otherMedia, isTagged } = operation;
    const media = otherMedia === undefined ? usual : mediaFor(c.req.header('accept'), [usual, otherMedia]);
    const sent = { ifMatch: ifMatchOf(c, operation), body: await sentBody(c.req.raw, operation) };
    const input = { params: params.data, query: query.data, ...sent };
    const body = await handle(input, whoSays(caller, query.data), media);
    // At once: nothing can have changed since.
    const headers: Record<string, string> = isTagged ? { etag: etag() } : {};
    if (otherMedia !== undefined) c.header('vary', 'accept');
    if (media !== 'application/json') return written(c, body as string | AsyncIterable<string>, media);
    return json(c, statusOf(operation, body), await textOf(body), headers);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return failure(c, error.status, error.message);
  }
}

/** What is changed without it may be what somebody else has just changed (RFC 6585 section 3). */
function ifMatchOf(c: Context, { method, isTagged }: Operation): string {
  if (!isTagged || method === 'get') return '';
  const tag = c.req.header('if-match');
  if (tag === undefined)
    throw new Refusal(428, 'If-Match is needed, with the ETag of GET /v1/configuration, or with *');
  return tag;
}

/** Of those who may. */
async function sentBody({ headers, body }: Request, { body: expected }: Operation): Promise<string> {
  if (expected === null) return '';
  const [media] = (headers.get('content-type') ?? '').toLowerCase().split(';');
  if (media.trim() !== expected.media && media.trim() !== 'application/json') {
    throw new Refusal(415, `send it as Content-Type: ${expected.media}`);
  }
  const bytes = await bytesOf(body ?? []);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(400, 'it is not UTF-8 text');
  }
}

async function bytesOf(body: AsyncIterable<unknown> | Iterable<unknown>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of body) {
      length += (piece as Uint8Array).length;
      if (length > BODY_BYTES_MAX) throw new Refusal(413, `at most ${BODY_BYTES_MAX / 2 ** 20} MiB`);
      pieces.push(piece as Uint8Array);
    }
  } catch (error) {
    // Who sends it has gone, or has taken too long.
    throw error instanceof Refusal ? error : new Refusal(400, 'it has ended early');
  }
  return Buffer.concat(pieces);
}

/** The first one is the usual one; the other one is that of a node that is not ready. */
function statusOf({ answers }: Operation, body: unknown): number {
  const [usual, other = usual] = Object.keys(answers).map(Number);
  return (body as { readonly ready?: boolean } | null)?.ready === false ? other : usual;
}

function issueText({ issues: [{ path, message, code }] }: z.ZodError): string {
  return code === 'unrecognized_keys' ? `${message} of the query` : `${path.join('.')}: ${message}`;
}

function whoSays({ name }: Caller, { by }: Readonly<Record<string, unknown>>): string | null {
  const said = typeof by === 'string' ? by.replaceAll(/[^\x21-\x7e]/g, '').slice(0, BY_CHARACTERS_MAX) : null;
  if (name === null || said === null) return name ?? said;
  return `${said} (${name})`;
}

/** With room for others between the pieces of a long list. */
async function textOf(body: unknown): Promise<string> {
  if (body instanceof JsonText) return `${body.text}\n`;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return piecesOf(body);
  const parts: string[] = [];
  for (const [key, value] of Object.entries(body)) {
    if (value !== undefined) parts.push(`${JSON.stringify(key)}:${await piecesOf(shown(key, value))}`);
  }
  return `{${parts.join(',')}}\n`;
}

async function piecesOf(value: unknown): Promise<string> {
  if (value instanceof JsonText) return value.text;
  if (!Array.isArray(value) || value.length <= SLICE_ITEMS) return JSON.stringify(value, shown);
  const pieces: string[] = [];
  for (let i = 0; i < value.length; i += SLICE_ITEMS) {
    pieces.push(JSON.stringify(value.slice(i, i + SLICE_ITEMS), shown).slice(1, -1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return `[${pieces.join(',')}]`;
}

/** Nobody needs an age to the nanosecond, and nobody gets a password. */
function shown(key: string, value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  return key.endsWith('Ms') && typeof value === 'number' ? Math.round(value) : value;
}

/** Text that its handler has made; in pieces it is made as fast as it is read. */
function written(c: Context, text: string | AsyncIterable<string>, media: string): Response {
  // a head alone reads nothing of it
  if (c.req.method === 'HEAD') return c.body(null, 200, { 'content-type': media, 'cache-control': 'no-store' });
  const content = typeof text === 'string' ? text : ReadableStream.from(encoded(text));
  return c.body(content, 200, { 'content-type': media, 'cache-control': 'no-store' });
}

/** A TextEncoderStream takes ten times as long. */
async function* encoded(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield Buffer.from(piece);
}

function failure(c: Context, status: number, error: string, headers: Record<string, string> = {}): Response {
  return json(c, status, `${JSON.stringify({ error: redactText(error) })}\n`, headers);
}

function json(c: Context, status: number, body: string, headers: Record<string, string> = {}): Response {
  return c.body(body, status as 200, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
}
