/** What finding a route costs with ten and with ten thousand of them, and what a rewrite costs. */
import { Prng } from '../../base/prng.ts';
import { measure, type Loop } from '../../base/stopwatch.bench.ts';
import type { RoutePlan } from '../../config/plan/route.ts';
import { request } from '../value/fixtures.test.ts';
import type { RequestView } from '../value/request-view.ts';
import { exact, header, prefix, regex, route } from './fixtures.test.ts';
import { compileRewrite, type Rewrite } from './rewrite.ts';
import { compileRoutes } from './table.ts';

const MATCHES = 20_000;
const REQUESTS = 256;

/** Requests that the routes' own numbers are drawn for. */
function requests(routeCount: number, make: (number: number) => RequestView): RequestView[] {
  const prng = new Prng(1);
  return Array.from({ length: REQUESTS }, () => make(prng.below(routeCount)));
}

function matchLoop(name: string, routes: readonly RoutePlan[], all: readonly RequestView[]): Loop {
  const table = compileRoutes(routes);
  return {
    name,
    count: MATCHES,
    run: () => {
      let sum = 0;
      for (let i = 0; i < MATCHES; i++) {
        sum += table.match(all[i & (REQUESTS - 1)]);
      }
      return sum;
    },
  };
}

const sizes = [10, 100, 10_000];

function bySize(title: string, makeRoute: (n: number) => RoutePlan, makeRequest: (n: number) => RequestView): void {
  measure(
    title,
    sizes.map((size) => {
      const routes = Array.from({ length: size }, (_, n) => makeRoute(n));
      return matchLoop(`${size} routes`, [...routes, route()], requests(size, makeRequest));
    }),
  );
}

const plain = requests(1000, (n) => request(`/shop/items/${n}/details?page=2`, 'www.shop.example'));
const escaped = requests(1000, (n) => request(`/shop/items/%41${n}/../details?page=2`, 'www.shop.example'));
const typical = [
  route({ hosts: ['api.shop.example'], path: prefix('/v1/') }),
  route({ hosts: ['shop.example', '*.shop.example'], path: prefix('/static/') }),
  route({ path: exact('/ping'), methods: ['GET', 'HEAD'] }),
  route({ path: prefix('/admin'), values: [header('x-internal', { kind: 'exact', value: '1' })] }),
  route({ hosts: ['*.shop.example'] }),
  route(),
];

measure('a small table', [
  matchLoop('one catch-all', [route()], plain),
  matchLoop('one prefix / ', [route({ path: prefix('/') })], plain),
  matchLoop('one host', [route({ hosts: ['www.shop.example'] })], plain),
  matchLoop('six routes of all kinds', typical, plain),
  matchLoop('six routes, path to be normalised', typical, escaped),
  matchLoop('one regular expression', [route({ path: regex('^/shop/.*/details$') })], plain),
]);

bySize(
  'exact paths',
  (n) => route({ path: exact(`/service/${n}/list`) }),
  (n) => request(`/service/${n}/list`),
);
bySize(
  'prefixes',
  (n) => route({ path: prefix(`/service/${n}/`) }),
  (n) => request(`/service/${n}/list/of/things`),
);
bySize(
  'hosts',
  (n) => route({ hosts: [`customer-${n}.example`] }),
  (n) => request('/index.html', `customer-${n}.example`),
);
bySize(
  'hosts, each with a prefix',
  (n) => route({ hosts: [`customer-${n}.example`], path: prefix('/app/') }),
  (n) => request('/app/index.html', `customer-${n}.example`),
);
bySize(
  'wildcard hosts',
  (n) => route({ hosts: [`*.customer-${n}.example`] }),
  (n) => request('/index.html', `www.customer-${n}.example`),
);

function rewriteLoop(name: string, one: Rewrite, all: readonly RequestView[]): Loop {
  const out = new Uint8Array(4096);
  return {
    name,
    count: MATCHES,
    run: () => {
      let sum = 0;
      for (let i = 0; i < MATCHES; i++) {
        const { bytes, head } = all[i & (REQUESTS - 1)];
        sum += one.write(bytes, head, out, 0, out.length);
      }
      return sum;
    },
  };
}

const byPrefix = compileRewrite(route({ path: prefix('/shop/') }, { kind: 'prefix', value: '/' })) as Rewrite;
const byRegex = compileRewrite(route({}, { kind: 'regex', regex: '^/shop/(.*)$', to: '/$1' })) as Rewrite;
measure('a rewrite', [
  rewriteLoop('prefix', byPrefix, plain),
  rewriteLoop('prefix, path to be normalised', byPrefix, escaped),
  rewriteLoop('regular expression', byRegex, plain),
]);
