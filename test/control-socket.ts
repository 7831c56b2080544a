/** Asks a running evenkeel what its commands ask, over its socket, without a process each time. */
import http from 'node:http';
import { json } from 'node:stream/consumers';
import { WAIT_MS } from './waiting.ts';

export function askSocket<T>(socketPath: string, method: string, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const options = { socketPath, method, path, agent: false, timeout: WAIT_MS };
    const request = http.request(options, (response) => resolve(json(response) as Promise<T>));
    request.on('timeout', () => request.destroy(new Error(`${method} ${path} was not answered`)));
    request.on('error', reject);
    request.end();
  });
}
