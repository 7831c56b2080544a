/** One request over HTTP or HTTPS to somebody who may be slow, hostile or gone: it is over in a bounded time, and takes a bounded answer. */
import http from 'node:http';
import https from 'node:https';

export interface HttpQuestion {
  readonly url: string;
  /** Null: it is a GET. Else a POST of this text. */
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the answer more is not read. */
  readonly charactersMax: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** What keeps connections for the next one. Without it this one has its own. */
  readonly agent?: http.Agent;
  /** Of HTTPS. Without it what Node has. */
  readonly tls?: Pick<https.RequestOptions, 'ca' | 'cert' | 'key'>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** False: there is more of it. */
  readonly isWhole: boolean;
}

/** The other side has answered with something else than 200. */
export class StatusError extends Error {
  constructor(status: number, text: string) {
    super(`it answers ${status}${text === '' ? '' : `: ${text.slice(0, STATUS_TEXT_CHARACTERS)}`}`);
  }
}

const STATUS_TEXT_CHARACTERS = 200;

/** Rejects if there is no answer to the end: with the system's error, or with one that says why, for people. */
export async function askHttp(question: HttpQuestion): Promise<HttpAnswer> {
  const response = await open(question);
  const { statusCode: status = 0, headers } = response;
  return { status, headers, ...(await readText(response, question)) };
}

/**
 * An answer that goes on: `onOpen` when it has begun, and `onLine` for each line, which is no longer than `charactersMax`. Resolves when the other
 * side ends it between two lines. What they throw ends it.
 */
export async function readHttpLines(
  question: HttpQuestion,
  { onLine, onOpen }: { readonly onOpen: () => void; readonly onLine: (line: string) => void },
): Promise<void> {
  const { charactersMax } = question;
  const response = await open(question);
  if (response.statusCode !== 200) {
    throw new StatusError(response.statusCode ?? 0, (await readText(response, question)).text);
  }
  onOpen();
  response.setEncoding('utf8');
  let rest = '';
  for await (const part of response as AsyncIterable<string>) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
    if (rest.length > charactersMax) throw new Error(`a line of its answer is longer than ${charactersMax} bytes`);
  }
  if (rest.trim() !== '') throw new Error(CUT_OFF);
}

const CUT_OFF = 'its answer ended in the middle';

function open({ agent, body, headers, signal, tls, url }: HttpQuestion): Promise<http.IncomingMessage> {
  const client = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    const request = client.request(url, {
      method: body === null ? 'GET' : 'POST',
      agent: agent ?? false,
      headers: body === null ? headers : { ...headers, 'content-length': Buffer.byteLength(body) },
      signal,
      ...tls,
    });
    request.on('error', reject);
    // an answer with 101 ends it, and nothing else is told of that
    request.on('close', () => reject(new Error('it does not answer')));
    request.on('response', resolve);
    request.end(body ?? undefined);
  });
}

/** Not more of it than `charactersMax`. */
function readText(
  response: http.IncomingMessage,
  { charactersMax, signal }: HttpQuestion,
): Promise<Pick<HttpAnswer, 'text' | 'isWhole'>> {
  return new Promise((resolve, reject) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      text += part;
      if (text.length <= charactersMax) return;
      resolve({ text: text.slice(0, charactersMax), isWhole: false });
      response.destroy();
    });
    // what the signal says is told to the request alone
    response.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error));
    response.on('close', () => reject(new Error(CUT_OFF)));
    response.on('end', () => resolve({ text, isWhole: true }));
  });
}
