/** The process that knows passwords and tokens: it hashes, in threads of its own, and verifies, so that no proxy does. */
import { availableParallelism } from 'node:os';
import { CredentialServer } from '../credentials/credential-server.ts';
import { HashThreads } from '../credentials/hash-threads.ts';
import type { KeeperToCredentials } from '../keeper/own-servers/own-server-messages.ts';
import { askHttp } from '../keeper/http-question.ts';
import { runOwnServer } from './own-server.ts';

const THREADS_MAX = 4;
/** Requests wait so long for keys. */
const KEYS_MS_MAX = 5_000;
const KEYS_CHARACTERS_MAX = 1024 * 1024;

/** Resolves to the exit code. */
export function runCredentials(text: string): Promise<number> {
  return runOwnServer<KeeperToCredentials>('credentials', text, async ({ descriptors, isPeer, log }) => {
    // the rest is for who serves
    const threads = await HashThreads.start(Math.max(1, Math.min(THREADS_MAX, availableParallelism() >> 1)));
    const credentials = new CredentialServer({ threads, isPeer, connectionsMax: descriptors, log, readText });
    return { server: credentials.server, apply: ({ checks }) => credentials.apply(checks) };
  });
}

/** Rejects with a reason for people. */
async function readText(url: string): Promise<string> {
  const question = { url, body: null, headers: { accept: 'application/json' }, charactersMax: KEYS_CHARACTERS_MAX };
  const { isWhole, status, text } = await askHttp({ ...question, signal: AbortSignal.timeout(KEYS_MS_MAX) });
  if (status !== 200) throw new Error(`it is answered ${status}`);
  if (!isWhole) throw new Error('it is too long');
  return text;
}
