/** What browsers are told of other origins (CORS), and how they are to guard a page. */
import * as z from 'zod';
import { duration, flag, headerName, key, method, origin, required } from './scalars.ts';

export const Cors = z.strictObject({
  origins: required(z.array(origin).min(1), 'Whose pages may read responses: `https://app.example`, or `*` for any.', [
    'https://app.example',
  ]),
  methods: key(z.array(method).min(1), 'With which methods, besides GET, HEAD and POST.'),
  headers: key(z.array(headerName).min(1), 'With which fields, besides those that a form could send.'),
  expose: key(z.array(headerName).min(1), 'Which fields of a response they may read, besides the usual ones.'),
  credentials: key(flag, 'Whether cookies and the like go with their requests.', false),
  'max-age': key(duration('0s', '24h'), 'For how long a browser may go by an answer without asking again.'),
});

export const securityHeaders = z.enum(['web', 'api']);

export type CorsConfig = z.infer<typeof Cors>;
export type SecurityHeaders = z.infer<typeof securityHeaders>;
