/** The process that knows passwords: it hashes, in threads of its own, so that no proxy does. */
import { availableParallelism } from 'node:os';
import { CredentialServer } from '../credentials/credential-server.ts';
import { HashThreads } from '../credentials/hash-threads.ts';
import type { KeeperToCredentials } from '../keeper/own-servers/own-server-messages.ts';
import { runOwnServer } from './own-server.ts';

const THREADS_MAX = 4;

/** Resolves to the exit code. */
export function runCredentials(text: string): Promise<number> {
  return runOwnServer<KeeperToCredentials>('credentials', text, async ({ descriptors, isPeer, log }) => {
    // the rest is for who serves
    const threads = await HashThreads.start(Math.max(1, Math.min(THREADS_MAX, availableParallelism() >> 1)));
    const credentials = new CredentialServer(threads, isPeer, descriptors, log);
    return { server: credentials.server, apply: ({ checks }) => credentials.apply(checks) };
  });
}
