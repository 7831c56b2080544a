/** What `evenkeel reload` asks, without a process each time. */
import http from 'node:http';
import { json } from 'node:stream/consumers';
import type { Evenkeel } from './evenkeel.ts';

export interface Reloaded {
  readonly changes?: readonly string[];
  /** Why nothing has changed. */
  readonly error?: string;
}

/** It must have been started with a socket. */
export function reload({ file }: Evenkeel): Promise<Reloaded> {
  return new Promise((resolve, reject) => {
    const options = { socketPath: `${file}.sock`, method: 'POST', path: '/v1/reload', agent: false };
    const request = http.request(options, (response) => resolve(json(response) as Promise<Reloaded>));
    request.on('error', reject);
    request.end();
  });
}
