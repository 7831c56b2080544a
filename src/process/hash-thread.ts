/** A thread that hashes passwords (credentials/hash-threads.ts). */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import type { HashTask } from '../credentials/hash-threads.ts';
import { isPassword } from '../credentials/password-hash.ts';
import { crypt } from '../io/linux/crypt.ts';

/** Behind the proxies: whoever guesses may have what is left of the processors. Of this thread alone. */
const NICENESS = 10;

setPriority(NICENESS);
parentPort?.on('message', ({ hash, password }: HashTask) => {
  const isRight = isPassword(password, hash, crypt);
  password.fill(0);
  parentPort?.postMessage(isRight, []);
});
parentPort?.postMessage(true, []);
