/** Asks a running evenkeel, over its socket. Whatever keeps it from answering in time is one kind of error, with a reason. */
import type { EventView } from '../api/events.ts';
import type { Explanation } from '../api/explanation.ts';
import type { FailedRequestView } from '../api/failed-requests.ts';
import type { StatusDocument } from '../api/status.ts';
import http from 'node:http';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';

/** Nothing answers, or not what should: the message says where and why. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  /** There is nobody who could answer. */
  readonly isNobody: boolean;

  constructor(message: string, isNobody = false) {
    super(message);
    this.isNobody = isNobody;
  }
}

/** An answer takes milliseconds; an instance that needs longer hangs. */
const ANSWER_MS_MAX = 3_000;
/** For who goes by the answer, rather than wants to see whether it comes: the machine may have nothing to spare. */
export const PATIENT_MS_MAX = 15_000;
/** Sockets are opened, names asked for, and every proxy has to answer. */
const RELOAD_MS_MAX = 60_000;
/** A thread is started, and prepares all routes of the listener. */
const EXPLANATION_MS_MAX = 60_000;

/** Of the status document. */
const FORMAT: StatusDocument['format'] = 1;

export async function askStatus(socketPath: string, msMax = ANSWER_MS_MAX): Promise<StatusDocument> {
  const document = (await ask(socketPath, 'GET', '/v1/status', 'format', msMax)) as { readonly format: unknown };
  if (document.format !== FORMAT) {
    throw new ControlError(
      `${socketPath}: the status is of format ${String(document.format)}, and this evenkeel reads format ${FORMAT}: ` +
        'ask with the version that runs there',
    );
  }
  return document as StatusDocument;
}

export interface MoveOrder {
  readonly kind: 'hand-over' | 'resume';
  readonly router: string;
  /** Null: until `resume`. */
  readonly forS: number | null;
  /** Who says so. */
  readonly by: string;
}

export async function askMove(socketPath: string, { kind, router, forS, by }: MoveOrder): Promise<void> {
  const query = new URLSearchParams(forS === null ? { by } : { by, for: String(forS) });
  await ask(socketPath, 'POST', `/v1/routers/${router}/${kind}?${query.toString()}`, 'router', PATIENT_MS_MAX);
}

/** `path`: that of an operation of src/api/operations.ts. What has been ordered and holds, for people. */
export async function askOverride(
  socketPath: string,
  path: string,
  given: Readonly<Record<string, string>>,
): Promise<string> {
  const query = new URLSearchParams(given);
  const answer = await ask(socketPath, 'POST', `${path}?${query.toString()}`, 'text', RELOAD_MS_MAX);
  return (answer as { readonly text: string }).text;
}

/** What has changed, a line for each. */
export async function askReload(socketPath: string, by: string): Promise<readonly string[]> {
  const { changes } = (await ask(
    socketPath,
    'POST',
    `/v1/reload?${new URLSearchParams({ by }).toString()}`,
    'changes',
    RELOAD_MS_MAX,
  )) as {
    readonly changes: string[];
  };
  return changes;
}

/** Access logs go to files of the same names from now on. */
export async function askReopen(socketPath: string, by: string): Promise<void> {
  await ask(socketPath, 'POST', `/v1/logs/reopen?${new URLSearchParams({ by }).toString()}`, 'text', RELOAD_MS_MAX);
}

/** Who is in charge now. */
export async function askUpgrade(
  socketPath: string,
  by: string,
): Promise<{ readonly pid: number; readonly version: string }> {
  return (await ask(
    socketPath,
    'POST',
    `/v1/upgrade?${new URLSearchParams({ by }).toString()}`,
    'pid',
    RELOAD_MS_MAX,
  )) as {
    readonly pid: number;
    readonly version: string;
  };
}

/** Those that are kept of requests that failed, the newest first. */
export async function askErrors(socketPath: string): Promise<readonly FailedRequestView[]> {
  const { items } = (await ask(socketPath, 'GET', '/v1/errors?limit=1000', 'items')) as {
    readonly items: readonly FailedRequestView[];
  };
  return items;
}

/** What would become of a request: `query` is that of the operation. */
export async function askExplanation(
  socketPath: string,
  query: Readonly<Record<string, string>>,
): Promise<Explanation> {
  const path = `/v1/explain?${new URLSearchParams(query).toString()}`;
  return (await ask(socketPath, 'GET', path, 'outcome', EXPLANATION_MS_MAX)) as Explanation;
}

/** The last ones, the oldest first. */
export async function askEvents(socketPath: string): Promise<readonly EventView[]> {
  const { items } = (await ask(socketPath, 'GET', '/v1/events', 'items')) as { readonly items: readonly EventView[] };
  return items;
}

/**
 * From behind that one, or the oldest, on: each of them, or how many were missed. Resolves when the other end ends it; rejects with
 * ControlError.
 */
export function followEvents(
  socketPath: string,
  after: string | null,
  handle: (heard: EventView | number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = after === null ? {} : { 'last-event-id': after };
    const fail = (error: NodeJS.ErrnoException): void => {
      reject(new ControlError(describe(error, socketPath, ANSWER_MS_MAX)));
    };
    const request = http.get({ socketPath, path: '/v1/events/stream', headers, agent: false }, (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        return reject(new ControlError(`${socketPath}: events cannot be followed: status ${response.statusCode}`));
      }
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (data: string) => {
        const blocks = (text + data).split('\n\n');
        text = blocks.pop()!;
        for (const block of blocks) {
          const json = /^data: (.*)$/m.exec(block)?.[1];
          if (json === undefined) continue;
          const heard = JSON.parse(json) as EventView | { readonly count: number };
          handle('count' in heard ? heard.count : heard);
        }
      });
      response.on('error', fail);
      response.on('end', resolve);
    });
    request.on('error', fail);
  });
}

/** After an order: what a restart will forget of it, said on stderr. What was ordered holds, and is not all of what was meant. */
export async function tellUnstored(socketPath: string): Promise<number> {
  const { unstored } = await askStatus(socketPath, PATIENT_MS_MAX);
  for (const each of unstored) {
    process.stderr.write(`evenkeel: this holds until evenkeel is restarted, which will forget ${each}\n`);
  }
  return unstored.length === 0 ? EXIT_OK : EXIT_FAILED;
}

/** Runs a command that asks; what keeps it from an answer is its failure. */
export async function failing(command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    process.stderr.write(`evenkeel: ${error.message}\n`);
    return EXIT_FAILED;
  }
}

/** `field`: what every answer has. */
async function ask(
  socketPath: string,
  method: string,
  path: string,
  field: string,
  msMax = ANSWER_MS_MAX,
): Promise<unknown> {
  const reply = await exchange(socketPath, { method, path, msMax });
  const body = bodyOf(reply) as Readonly<Record<string, unknown>> | null;
  if (body?.[field] === undefined) throw notEvenkeel(socketPath);
  return body;
}

export interface Reply {
  readonly status: number;
  /** Empty: there is none. */
  readonly etag: string;
  /** JSON that was read. */
  readonly body: unknown;
}

/** What was asked for. Throws ControlError with the reason if it was refused. */
export function bodyOf({ status, body }: Reply): unknown {
  if (status < 300) return body;
  const { error } = (body ?? {}) as { readonly error?: unknown };
  throw new ControlError(typeof error === 'string' ? error : `status ${status}`);
}

export interface Question {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly msMax?: number;
}

/** Rejects with ControlError if there is no answer of an evenkeel, whatever it is. */
export function exchange(
  socketPath: string,
  { method, path, headers = {}, body, msMax = RELOAD_MS_MAX }: Question,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const isNobody = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      reject(new ControlError(describe(error, socketPath, msMax), isNobody));
    };
    const signal = AbortSignal.timeout(msMax);
    const request = http.request({ socketPath, method, path, headers, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        const body = parsed(Buffer.concat(chunks).toString());
        if (body === undefined) return reject(notEvenkeel(socketPath));
        resolve({ status: response.statusCode ?? 0, etag: response.headers.etag ?? '', body });
      });
    });
    request.on('error', fail);
    request.end(body);
  });
}

/** Undefined: it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function notEvenkeel(path: string): ControlError {
  return new ControlError(`${path}: the answer is not from evenkeel`);
}

function describe({ name, code, message }: NodeJS.ErrnoException, path: string, msMax: number): string {
  if (name === 'AbortError' || code === 'ABORT_ERR') {
    return `${path}: no answer within ${msMax / 1000} s: the instance hangs`;
  }
  if (code === 'ENOENT') return `evenkeel is not running, or uses another socket: ${path} does not exist`;
  if (code === 'ECONNREFUSED') return `evenkeel is not running: nothing listens on ${path}`;
  if (code === 'EACCES') return `${path}: permission denied; only root and the user that runs evenkeel may use it`;
  return `${path}: ${message}`;
}
