/** What would become of a request, a connection or a datagram, in the admin API. */
import * as z from 'zod';
import { count, flag, named, text, type View } from './shapes.ts';

const field = named('ExplainedField', 'A header field, and what becomes of it.', {
  name: text('As it is written.'),
  value: text('What it says behind the change; of one that is removed, what it said.'),
  change: z
    .enum(['kept', 'added', 'changed', 'removed'])
    .describe('`changed`: it was there, and says something else now.'),
});
export type ExplainedField = View<typeof field>;

const step = named('ExplainedStep', 'Something that was looked at or done on the way to a route, in this order.', {
  kind: z
    .enum(['route', 'test', 'step'])
    .describe('`route`: one that was tried; `test`: an `if` of a route; `step`: another step of it.'),
  route: count('Which route of the listener, from 1; null: it is a step of the one above.').nullable(),
  text: text('What it is: `host shop.example, path /api/*`.'),
  holds: flag('The route is taken, the test holds, the step was done.'),
  why: text('Why not, or what was done; empty: there is no more to say.'),
});
export type ExplainedStep = View<typeof step>;

const candidate = named('ExplainedServer', 'A server that might be chosen.', {
  name: text('As in the file.'),
  address: text('Null: none is known.').nullable(),
  takes: flag('It takes requests now.'),
  why: text('Why it does not; empty: it does.'),
});
export type ExplainedServer = View<typeof candidate>;

const target = named('ExplainedTarget', 'Where it goes.', {
  upstream: text('As in the file.'),
  balance: text('How a server is chosen.'),
  server: text('The one that was chosen this time; null: none takes it.').nullable(),
  address: text('Where that is; null: it was not looked for, or a file answers.').nullable(),
  isFixed: flag(
    'The same request goes to the same server for as long as the servers are the same. False: the next one may go to another.',
  ),
  candidates: z.array(candidate).describe('At most 100.'),
});
export type ExplainedTarget = View<typeof target>;

const sent = named('ExplainedRequest', 'What the server is sent.', {
  line: text('`GET /cart HTTP/1.1`'),
  isRewritten: flag('Method or target are others than what came.'),
  fields: z.array(field),
});

const answer = named('ExplainedAnswer', 'What the client gets.', {
  status: count('0: the connection is closed, or reset, without an answer.'),
  by: z
    .enum(['server', 'route', 'evenkeel'])
    .describe(
      "`server`: with what the route changes in its response; `route`: the configuration says it; `evenkeel`: an error of the proxy's own.",
    ),
  reason: text("Of an error of the proxy's own, its kind: see troubleshooting.md. Null: it is none.").nullable(),
  why: text('That in words.').nullable(),
  fields: z.array(field).describe('Those of a server are stand-ins.'),
  body: text("The beginning of what evenkeel says itself; null: it is the server's, or there is none.").nullable(),
});

export const explanation = named('Explanation', 'What would become of a request, a connection or a datagram.', {
  subject: text('What it is about: `GET https://shop.example/cart`.'),
  outcome: z
    .enum(['server', 'route', 'refused', 'waits'])
    .describe(
      '`server`: a server answers; `route`: the configuration does; `refused`: it gets an error, or nothing; `waits`: for a server that has room.',
    ),
  summary: text('What becomes of it, in a sentence.'),
  listener: z
    .object({ name: z.string(), address: z.string(), protocol: z.enum(['http', 'tcp', 'udp']) })
    .describe('That it comes to.'),
  steps: z
    .array(step)
    .describe('How its route was found; of long lists the routes that are for its host, at most 200.'),
  stepsLeftOut: count('Of these steps.'),
  target: target.nullable().describe('Null: it goes to no server.'),
  request: sent.nullable().describe('Null: a server is sent no request.'),
  answer: answer.nullable().describe('Null: it has none; or it is of TCP or UDP, and the server says it.'),
  assumed: z.array(z.string()).describe('What is taken for granted, for it cannot be known before.'),
});
export type Explanation = View<typeof explanation>;
