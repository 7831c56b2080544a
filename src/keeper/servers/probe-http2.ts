/** Health checks over HTTP/2, by Node: the keeper makes few of them. */
import http2 from 'node:http2';
import type net from 'node:net';
import type { Readable } from 'node:stream';

/** What is asked, and who hears of it. */
export interface Http2Question {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly isTls: boolean;
  readonly more: http2.OutgoingHttpHeaders;
  /** Null: there is none. */
  readonly body: Uint8Array | null;
  /** `fields`: of the head, and from the end of `stream` on of the trailers too. */
  handleResponse(status: number, stream: Readable, fields: http2.IncomingHttpHeaders): void;
  handleError(error: NodeJS.ErrnoException): void;
}

/** Asks over `socket`, which is connecting, or stands. Returns what ends it. */
export function askHttp2(socket: net.Socket, question: Http2Question): () => void {
  const { authority, body, isTls, method, more, path } = question;
  const scheme = isTls ? 'https' : 'http';
  const fail = (error: NodeJS.ErrnoException): void => question.handleError(error);
  // Before the session hears of it: that tells its stream first, and the stream only that it was cancelled.
  socket.on('error', fail);
  const session = http2.connect(`${scheme}://localhost`, { createConnection: () => socket });
  session.on('error', fail);
  const stream = session.request(
    {
      ':method': method,
      ':path': path,
      ':scheme': scheme,
      ':authority': authority,
      'user-agent': 'evenkeel-health',
      ...more,
    },
    { endStream: body === null },
  );
  const fields: http2.IncomingHttpHeaders = {};
  stream.on('trailers', (trailers) => Object.assign(fields, trailers));
  stream.on('error', fail);
  stream.on('response', (head) => {
    Object.assign(fields, head);
    question.handleResponse(Number(head[':status']), stream, fields);
  });
  stream.on('close', () => fail(new Error('closed without an answer')));
  if (body !== null) stream.end(body);
  return () => session.destroy();
}
