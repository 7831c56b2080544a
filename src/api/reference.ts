/** The admin API's reference page, from the table of operations. */
import * as z from 'zod';
import { type Access, type Operation, OPERATIONS } from './operations.ts';

const WHO: Readonly<Record<Access, string>> = {
  open: 'everybody who may come',
  read: 'on loopback everybody, elsewhere any token',
  configuration: 'any token',
  write: 'a token that may do everything',
};

export function adminApiPage(): string {
  const all = Object.values(OPERATIONS) as readonly Operation[];
  return [
    '# The operations of the admin API',
    '',
    'Generated from the table that the server answers by. The [OpenAPI document](openapi.json) has every field; a running evenkeel',
    'serves its own at `/v1/openapi.json`. How to ask, and who may: [the admin API](../admin-api.md).',
    '',
    '## To see',
    '',
    ...tableOf(all.filter(({ method }) => method === 'get')),
    '',
    '## To change',
    '',
    ...tableOf(all.filter(({ method }) => method !== 'get')),
    '',
    '## Parameters of the query',
    '',
    '| operation | parameter | |',
    '|---|---|---|',
    ...all.flatMap(parameterRows),
    '',
    '## Statuses',
    '',
    'Anything but 2xx comes with `{ "error": "why, for people" }`, except that `/v1/ready` says with 503 that this node is not ready. 400: a',
    'parameter is wrong; 401: a token is needed; 403: not from there, or not with this token; 404: there is nothing of that name;',
    '405: not by this method; 409: not now; 412: it has changed since; 413: too long; 415: not sent as JSON; 422: what was sent, or is on disk, cannot be',
    'used; 428: If-Match is missing; 500: a bug, and the log has more.',
    '',
  ].join('\n');
}

function tableOf(operations: readonly Operation[]): readonly string[] {
  return [
    '| operation | what it does | over TCP for |',
    '|---|---|---|',
    ...operations.map(({ method, path, summary, access }) => {
      return `| \`${method.toUpperCase()} ${path}\` | ${summary} | ${WHO[access]} |`;
    }),
  ];
}

function parameterRows({ method, path, query }: Operation): readonly string[] {
  const { properties = {} } = z.toJSONSchema(query, { io: 'output' });
  return Object.entries(properties).map(([name, schema]) => {
    const { description = '' } = schema as { readonly description?: string };
    return `| \`${method.toUpperCase()} ${path}\` | \`${name}\` | ${description} |`;
  });
}
