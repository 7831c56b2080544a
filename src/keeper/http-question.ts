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

/** Rejects if there is no answer to the end: with the system's error, or with one that says why, for people. */
export function askHttp({ agent, body, charactersMax, headers, signal, tls, url }: HttpQuestion): Promise<HttpAnswer> {
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
    const handleNoAnswer = (): void => reject(new Error('it does not answer'));
    request.on('close', handleNoAnswer);
    request.on('response', (response) => {
      request.off('close', handleNoAnswer);
      const { statusCode: status = 0, headers: said } = response;
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length <= charactersMax) return;
        resolve({ status, headers: said, text: text.slice(0, charactersMax), isWhole: false });
        response.destroy();
      });
      response.on('error', reject);
      response.on('close', () => reject(new Error('its answer ended in the middle')));
      response.on('end', () => resolve({ status, headers: said, text, isWhole: true }));
    });
    request.end(body ?? undefined);
  });
}
