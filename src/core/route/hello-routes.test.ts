import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HelloRoutes } from './hello-routes.ts';

const ROUTES = new HelloRoutes([
  { names: ['acme.shop.example'], protocols: ['acme-tls/1'] },
  { names: ['shop.example', '*.shop.example'], protocols: [] },
  { names: ['*.example'], protocols: [] },
  { names: ['api.shop.example'], protocols: [] },
  { names: [], protocols: ['h2'] },
]);

test('the first rule that fits counts, by name and by protocol', () => {
  const cases: readonly (readonly [string, readonly string[], number])[] = [
    ['acme.shop.example', ['acme-tls/1'], 0],
    ['acme.shop.example', ['h2'], 1],
    ['shop.example', [], 1],
    ['a.b.shop.example', [], 1],
    ['api.shop.example', [], 1],
    ['xshop.example', [], 2],
    ['example', ['h2'], 4],
    ['', ['http/1.1', 'h2'], 4],
    ['', [], -1],
    ['other.test', ['http/1.1'], -1],
    ['.shop.example', [], 1],
  ];
  for (const [serverName, protocols, expected] of cases) {
    assert.equal(ROUTES.find({ serverName, protocols }), expected, serverName);
  }
});
