/**
 * What an nginx hands on that is told to replace itself (SIGUSR2): it runs the program that is now where it came from, with its
 * listening sockets open, and their numbers in the environment.
 */
import { placeOf } from './listen.ts';

/** `6;7;`. */
const NGINX_DESCRIPTORS = /^(?:[0-9]{1,5};)+$/;

/** This process was started by an nginx that it is to replace. */
export function isNginxSuccessor({ NGINX }: NodeJS.ProcessEnv): boolean {
  return NGINX !== undefined && NGINX_DESCRIPTORS.test(NGINX);
}

/** Its sockets, which this process now owns: a second call finds none, and neither does a child. */
export function takeNginxSockets(environment: NodeJS.ProcessEnv): readonly number[] {
  if (!isNginxSuccessor(environment)) return [];
  const numbers = new Set(environment.NGINX!.split(';').slice(0, -1).map(Number));
  delete environment.NGINX;
  return [...numbers].filter((descriptor) => placeOf(descriptor) !== null);
}
