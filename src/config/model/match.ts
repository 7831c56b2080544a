/** What a request or a connection is asked for: hosts, paths, headers, cookies, queries. */
import * as z from 'zod';
import {
  anyText,
  flag,
  headerName,
  host,
  hostRegex,
  key,
  method,
  oneOrMany,
  path,
  regex,
  required,
} from './scalars.ts';

const PathMatch = z.union([
  path,
  z.strictObject({
    prefix: key(path, 'The path begins with this. The same as a plain string.'),
    exact: key(path, 'The path is this.'),
    regex: key(regex, 'The path matches this ECMAScript regular expression. It is not anchored: write `^` and `$`.'),
  }),
]);

const valueMatch = (what: string): z.ZodType<ValueMatch> =>
  z.union([
    flag,
    anyText('text', 'prod'),
    z.strictObject({
      exact: key(anyText('text', 'prod'), `The ${what} is this. The same as a plain string.`),
      prefix: key(anyText('text', 'prod'), `The ${what} begins with this.`),
      regex: key(regex, `The ${what} matches this ECMAScript regular expression.`),
    }),
  ]);

export type ValueMatch = boolean | string | { exact?: string; prefix?: string; regex?: string };

const HostMatch = z.union([
  host,
  z.array(host).min(1),
  z.strictObject({
    regex: required(hostRegex, 'The host matches this ECMAScript regular expression.', '^www[0-9]+\\.'),
  }),
]);

export const Match = z.strictObject({
  host: key(
    HostMatch,
    'Names without port; case does not matter. `*.shop.example` is every name under shop.example, but not shop.example. Or ' +
      '`{ regex: ... }`, which the name in small letters has to match.',
  ),
  path: key(
    PathMatch,
    'A string is a prefix; or `{ exact: /old }`, or `{ regex: ... }`. The query is not part of it. Compared in normal form: escapes ' +
      'decoded, several `/` as one, dot segments resolved.',
  ),
  method: key(oneOrMany(method), 'In capitals.'),
  header: key(
    z.record(headerName, valueMatch('value')),
    'By field name; all of them must match. `true`: present; `false`: absent; a string: this value; or `{ prefix: }`, `{ regex: }`.',
  ),
  query: key(
    z.record(anyText('name of a query parameter', 'lang'), valueMatch('value')),
    'By parameter name; all of them must match. Written as for `header`.',
  ),
});
