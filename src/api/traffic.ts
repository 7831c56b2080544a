/** What was counted of requests, in the admin API: totals since the start, over reloads, upgrades and proxies that have died. Rates are the client's business. */
import * as z from 'zod';
import { count, named, number, text, type View } from './shapes.ts';

export const histogram = named('Histogram', 'How long something took, and how often it was.', {
  count: count('How often.'),
  sumSeconds: number('All of it together.'),
  buckets: z
    .array(z.int().min(0))
    .describe(
      'How often it took less than 1 ms, and at least that but less than 2 ms, 4 ms, ... 65,536 ms; behind them the rest.',
    ),
});
export type HistogramView = View<typeof histogram>;

export const codeClasses = named('CodeClasses', 'Requests by the class of the status that they were answered with.', {
  none: count('Nobody was answered: the client had left, or the connection was closed.'),
  '1xx': count('Switched to another protocol.'),
  '2xx': count('Answered so.'),
  '3xx': count('Answered so.'),
  '4xx': count('Answered so.'),
  '5xx': count('Answered so.'),
});
export type CodeClassesView = View<typeof codeClasses>;

const requests = {
  requests: codeClasses,
  receivedBytes: count('From clients, heads included.'),
  sentBytes: count('To clients, heads included.'),
};

export const listenerTraffic = named('ListenerTraffic', 'Requests of a listener.', {
  ...requests,
  duration: histogram.describe('From the first byte of a request to the end of its response.'),
});
export type ListenerTrafficView = View<typeof listenerTraffic>;

export const sessionTraffic = named('SessionTraffic', 'Sessions of a listener of TCP or UDP.', {
  receivedBytes: count('From clients, as they pass.'),
  sentBytes: count('To clients, as they pass.'),
  duration: histogram.describe('Of those that are over.'),
});
export type SessionTrafficView = View<typeof sessionTraffic>;

export const routeTraffic = named('RouteTraffic', 'Requests of a listener that take a route, and go to an upstream.', {
  listener: text('Its name.'),
  route: text(
    'By what a request is told to be its own: `POST a.example/api`, `=/exact`. Empty: those that no route takes.',
  ),
  upstream: text('Empty: to none.'),
  ...requests,
  duration: histogram.nullable().describe('Null: the route does not say `histogram: true`.'),
});
export type RouteTrafficView = View<typeof routeTraffic>;

export const upstreamTraffic = named(
  'UpstreamTraffic',
  'Requests, or sessions of TCP and UDP, that went to an upstream.',
  {
    duration: histogram.describe('Of whole ones, as of their listener.'),
    connect: histogram.describe('Until a connection to a server stood, with its TLS: of new ones.'),
    firstByte: histogram.describe('From the beginning of the last try to the head of its response.'),
    queue: histogram.describe('Of those that had to wait, for a server with room or for a limit.'),
    retries: z
      .array(z.object({ reason: text('Why the try before had failed.'), count: count('How often.') }))
      .describe('Tries that were followed by another one.'),
  },
);
export type UpstreamTrafficView = View<typeof upstreamTraffic>;

export const serverTraffic = named(
  'ServerTraffic',
  'Requests whose last try was at a server, and bytes of sessions there.',
  {
    ...requests,
    responses: count('Of these, those whose response had a head.'),
    responseSeconds: number('What these waited for it, all together.'),
    idle: count('Connections that are kept for the next request, now.'),
  },
);
export type ServerTrafficView = View<typeof serverTraffic>;

export const ending = named('Ending', 'Why requests, or sessions, have ended: see access-log.md.', {
  name: text('As in access logs.'),
  by: z.enum(['nobody', 'client', 'server', 'evenkeel']).describe('Who has ended it. `nobody`: it is complete.'),
  count: count('How often.'),
});
export type EndingView = View<typeof ending>;

export const loop = named('Loop', "What a proxy's loop does.", {
  turns: histogram.describe('How long its turns took: the buckets are of 1/16 ms, twice that, and so on.'),
  submissions: count('What it gave to the kernel to do. 0: the engine does not count them.'),
  starved: count('How often somebody had to wait, for no buffer to receive into was free.'),
});
export type LoopView = View<typeof loop>;
