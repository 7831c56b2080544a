/** One request to a collector, over a connection of its own. It never throws, and is over in a bounded time. */
import http from 'node:http';
import https from 'node:https';
import { systemReason } from '../base/system-error.ts';

export interface Answer {
  /** 0: there was none. */
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** As much as is of interest. */
  readonly body: string;
  /** What is wrong, where the status is no success. */
  readonly why: string;
}

/** As OpenTelemetry has it. */
const TIMEOUT_MS = 10_000;
const BODY_CHARACTERS_MAX = 64 * 1024;

export function post(endpoint: string, body: string): Promise<Answer> {
  return new Promise((resolve) => {
    const fail = (error: unknown): void =>
      resolve({ status: 0, retryAfter: undefined, body: '', why: systemReason(error) });
    const client = endpoint.startsWith('https:') ? https : http;
    const request = client.request(endpoint, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    request.on('error', fail);
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      let said = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        if (said.length < BODY_CHARACTERS_MAX) said += part;
      });
      response.on('error', fail);
      response.on('end', () =>
        resolve({ status, retryAfter: response.headers['retry-after'], body: said, why: `it answers ${status}` }),
      );
    });
    request.end(body);
  });
}
