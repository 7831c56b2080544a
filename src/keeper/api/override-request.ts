/**
 * The requests on the control socket by which a server, a listener or the node is drained and so on:
 *
 *   POST /v1/upstreams/UPSTREAM/servers/SERVER/drain?by=WHO   disable, enable; weight?to=N, or as in the file
 *   POST /v1/listeners/LISTENER/drain?by=WHO                  enable
 *   POST /v1/node/drain?by=WHO                                enable
 */
import type { AdminState } from '../../config/plan.ts';
import { type Change, listenerSubject, NODE, serverSubject } from '../../core/overrides.ts';

export const WEIGHT_MAX = 256;

const PLACE = /^\/v1\/(?:upstreams\/([^/]+)\/servers\/([^/]+)|listeners\/([^/]+)|node)\/([a-z]+)$/;

/** Null: it is none of them. A text: why it cannot be carried out. */
export function parseOverrideRequest(path: string, query: URLSearchParams): Change | string | null {
  const match = PLACE.exec(path);
  if (match === null) return null;
  const [, upstream, server, listener, word] = match as readonly (string | undefined)[];
  if (upstream !== undefined) {
    const subject = serverSubject(decoded(upstream), decoded(server!));
    return word === 'weight' ? weightChange(subject, query.get('to')) : changeOf(subject, word!, SERVER_WORDS);
  }
  return changeOf(listener === undefined ? NODE : listenerSubject(decoded(listener)), word!, OTHER_WORDS);
}

function weightChange(subject: string, to: string | null): Change | string {
  if (to === null) return { subject, weight: null };
  if (/^[0-9]{1,3}$/.test(to) && Number(to) <= WEIGHT_MAX) return { subject, weight: Number(to) };
  return `to=${to}: write a number from 0 to ${WEIGHT_MAX}`;
}

const OTHER_WORDS: Readonly<Record<string, AdminState>> = { drain: 'drain', enable: 'enabled' };
const SERVER_WORDS: Readonly<Record<string, AdminState>> = { ...OTHER_WORDS, disable: 'disabled' };

/** Whoever enables something wants it to work: a weight that was said by hand is taken back. */
function changeOf(subject: string, word: string, words: Readonly<Record<string, AdminState>>): Change | null {
  if (!Object.hasOwn(words, word)) return null;
  return word === 'enable' ? { subject, state: 'enabled', weight: null } : { subject, state: words[word] };
}

/** What is no percent-encoding names nothing that there is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
