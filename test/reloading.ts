/** What `evenkeel reload` asks, without a process each time. */
import { askSocket } from './control-socket.ts';
import type { Evenkeel } from './evenkeel.ts';

export interface Reloaded {
  readonly changes?: readonly string[];
  /** Why nothing has changed. */
  readonly error?: string;
}

/** It must have been started with a socket. */
export function reload({ file }: Evenkeel): Promise<Reloaded> {
  return askSocket(`${file}.sock`, 'POST', '/v1/reload');
}
