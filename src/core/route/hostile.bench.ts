/**
 * What heads cost that are legal and written to be expensive, in nanoseconds for each of their bytes, beside an ordinary one:
 * `node dist/src/core/route/hostile.bench.js`. A line that is hundreds of times the first is a fault.
 */
import { ascii } from '../../wire/http1/classes.ts';
import { RequestHead } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { RequestView } from '../value/request-view.ts';
import { header, prefix, query, regex, route } from './fixtures.test.ts';
import { compileRoutes } from './table.ts';

const LIMITS = { headBytes: 24 * 1024, headers: 1000 };
const BYTES = 15_000;
const ROUNDS = 15;
const CALLS = 40;

const head = new RequestHead(LIMITS.headers);
const table = compileRoutes([
  route({ path: prefix('/admin/') }),
  route({ path: regex('^/x.*y$') }),
  route({ values: [header('x-a', { kind: 'regex', value: 'b.*c$' })] }),
  route({ values: [query('debug', { kind: 'exact', value: '1' })] }),
  route({ values: [header('cookie', { kind: 'regex', value: 'lang=de' })] }),
  route(),
]);

function many(piece: string, bytes = BYTES): string {
  return piece.repeat(Math.floor(bytes / piece.length));
}

const HEADS: readonly (readonly [name: string, target: string, fields?: string])[] = [
  ['a long path', `/${many('a')}`],
  ['many fields', '/', many('X-Abcdefgh: abcdefghijklmnop\r\n')],
  ['many short fields', '/', many('a:\r\n', 3900)],
  ['Connection: many names', '/', `Connection: ${many('x,', 7000)}\r\n${many('a:\r\n', 3000)}`],
  ['Connection: 32 names, 900 fields', '/', `Connection: ${many('a,', 64)}\r\n${many('a:\r\n', 3600)}`],
  ['Connection: many close', '/', `Connection: ${many('close,')}x\r\n`],
  ['many Connection', '/', many('Connection: close\r\n')],
  ['many X-Forwarded-For', '/', many('X-Forwarded-For: a\r\n')],
  ['many Cookie', '/', many('Cookie: a=b;c=d\r\n')],
  ['Upgrade: many names', '/', `Upgrade: ${many('a,')}\r\nConnection: upgrade\r\n`],
  ['many parameters', `/?${many('a&')}`],
  ['escaped parameters', `/?${many('%61=%62&')}`],
  ['escaped letters', `/${many('%61')}`],
  ['dot segments', `/${many('a/../')}`],
  ['escaped slashes', `/${many('a%2F')}`],
  ['three doubts at once', `/${many('a%2F;b\\')}`],
  ['escapes in escapes', `/${many('%2561')}`],
  ['a value for an expression', '/', `X-A: ${many('aab')}\r\n`],
];

for (const [name, target, fields = ''] of HEADS) {
  const bytes = ascii(`GET ${target} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n`);
  const view = new RequestView(bytes, head);
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let call = 0; call < CALLS; call++) {
      if (parseRequestHead(bytes, 0, bytes.length, LIMITS, head) > 0) table.match(view);
    }
    best = Math.min(best, (performance.now() - start) / CALLS);
  }
  const perByte = (best * 1e6) / bytes.length;
  // oxlint-disable-next-line no-console -- that is what it is for
  console.log(
    `${name.padEnd(34)} ${(best * 1000).toFixed(0).padStart(6)} us ${perByte.toFixed(1).padStart(7)} ns/byte`,
  );
}
