/** The last requests that were answered with an error of evenkeel's own, in the admin API. */
import * as z from 'zod';
import { count, milliseconds, named, text, time, type View } from './shapes.ts';

const failedTry = named('FailedTry', 'A try of a request on a server.', {
  server: text('Its address; or the name of an upstream that had none to try.'),
  status: count('That it ended with: of the server, or of what is told in its place. 0: it has not ended.'),
  failure: text('Why it failed; null: the server answered.').nullable(),
  connectedMs: milliseconds('To the connection; null: there was none.').nullable(),
  endedMs: milliseconds('To the response, or the failure; null: neither came.').nullable(),
});

export const failedRequest = named('FailedRequest', "A request that was answered with an error of evenkeel's own.", {
  id: text('By which it is found: what the client was told as X-Request-Id.'),
  at: time('When it ended.'),
  status: count('That the client got.'),
  reason: text('Its kind: see troubleshooting.md.'),
  why: text('That in words.'),
  by: z.enum(['nobody', 'client', 'server', 'evenkeel']).describe('Whose doing it was.'),
  method: text('Empty: it is not known.'),
  phase: text('That it was in then: `request`, `queue`, `connect`, `wait`, `response`.'),
  listener: text('That it came to.'),
  limiter: text('That has refused it; null: none has.').nullable(),
  route: text('What the route asks for that it took; null: none.').nullable(),
  upstream: text('Null: none was chosen.').nullable(),
  tookMs: milliseconds('From its head to its end.'),
  queuedMs: milliseconds('Of this, waiting for a server that had room.'),
  tries: z.array(failedTry).describe('On servers: the last eight.'),
  asked: z
    .array(failedTry)
    .describe('Servers that were asked whether it may enter, and have not let it in: of each question the last try.'),
});
export type FailedRequestView = View<typeof failedRequest>;

export const failedRequests = named('FailedRequests', 'The last ones, the newest first.', {
  items: z.array(failedRequest),
  kept: count('How many there are to be found, at most 1,000.'),
  leftOut: count('Of a second with many errors only some are kept: so many are not, since the start.'),
});
export type FailedRequestsView = View<typeof failedRequests>;
