/** What Prometheus gets: a real one scrapes a running evenkeel, and has what the status says. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import https from 'node:https';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { metricsPage } from '../src/api/metrics/metrics-page.ts';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';
import { reload } from './reloading.ts';
import { until } from './waiting.ts';

const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;
const options = { skip: hasPrometheus ? false : 'needs prometheus' };
const FOLDER = fileURLToPath(new URL('../../packaging/prometheus/', import.meta.url));
const DASHBOARD = fileURLToPath(new URL('../../packaging/grafana/evenkeel.json', import.meta.url));

interface Result {
  readonly data: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
  };
}

/** A Prometheus that scrapes these ports; resolves with what asks it. */
async function startPrometheus(
  t: TestContext,
  ...targets: readonly number[]
): Promise<(query: string) => Promise<Result['data']['result']>> {
  const folder = temporaryDirectory(t);
  const port = await freePort();
  const texts = targets.map((target) => `"127.0.0.1:${target}"`).join();
  const scrape = `{ job_name: evenkeel, scrape_interval: 1s, static_configs: [ { targets: [ ${texts} ] } ] }`;
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `global: { evaluation_interval: 1s }\nscrape_configs: [ ${scrape} ]\nrule_files: ["${FOLDER}alerts.yaml"]\n`,
  );
  const args = [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const prometheus = spawn('prometheus', args, { stdio: 'ignore' });
  t.after(() => prometheus.kill('SIGKILL'));
  return async (query) => {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`);
      return ((await answer.json()) as Result).data.result;
    } catch {
      return [];
    }
  };
}

test('metrics: well-formed by promtool; a real Prometheus has them', options, async (t) => {
  const backend = await startBackend(t);
  const [port, admin] = [await freePort(), await freePort()];
  const yaml = `
admin: { bind: "127.0.0.1:${admin}" }
listeners: { web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${backend.address}", "127.0.0.1:9" ], health: { tcp: true, interval: 1s, timeout: 500ms } } }
`;
  await Evenkeel.start(t, yaml);
  for (let i = 0; i < 5; i++) assert.equal((await get(port)).status, 200);

  const open = await fetch(`http://127.0.0.1:${admin}/metrics`, {
    headers: { accept: 'application/openmetrics-text; version=1.0.0' },
  });
  assert.equal(open.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  assert.match(await open.text(), /\n# EOF\n$/);

  const answer = await fetch(`http://127.0.0.1:${admin}/metrics`);
  const body = await answer.text();
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  assert.equal(`${checked.stdout}${checked.stderr}`, '');
  assert.equal(checked.status, 0);

  const ask = await startPrometheus(t, admin);
  const isIn = (query: string): Promise<void> =>
    until(
      async () => (await ask(query)).length > 0,
      () => query,
    ).then(() => undefined);
  await isIn('evenkeel_build_info');
  await isIn('evenkeel_listener_accepted_total{listener="web"} > 0');
  await isIn(`evenkeel_server_requests_total{upstream="web",server="${backend.address}"} == 5`);
  await isIn('evenkeel_server_up{server="127.0.0.1:9"} == 0');
  await isIn('evenkeel_upstream_servers{upstream="web",state="down"} == 1');
  await isIn('sum(evenkeel_proxy_requests_total) == 5');
  await isIn('sum(evenkeel_metrics_hidden) == 0');
  // Of the alerts that the project ships, one comes by itself here.
  await isIn('ALERTS{alertname="EvenkeelServerDown"}');
});

/** What a node of a pair says besides, which takes a network of its own. */
const OF_PAIR = `
evenkeel_vrrp_state{router="VI_1",state="active"} 1
evenkeel_vrrp_peer_advert_age_seconds{router="VI_1",peer="192.0.2.2"} 0.5
`;

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

function expressions(): readonly (readonly [title: string, expr: string])[] {
  const { panels, annotations } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard;
  const shown = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));
  return [...shown, ...annotations.list.map(({ name, expr }) => [name, expr] as const)];
}

test(
  'the dashboard: each expression has series in a Prometheus that scrapes evenkeel under load',
  options,
  async (t) => {
    const maker = new CertificateMaker();
    t.after(() => maker.remove());
    maker.make('site', { names: ['site.test'] });
    const backend = await startBackend(t);
    const pair = await startBackend(t, (_, response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4').end(OF_PAIR);
    });
    const [port, secure, admin] = [await freePort(), await freePort(), await freePort()];
    const yaml = (more: string): string => `
admin: { bind: "127.0.0.1:${admin}" }
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes: [ { match: { path: /down }, upstream: down }, { upstream: web } ]
  secure:
    bind: "127.0.0.1:${secure}"
    tls: { certificate: "${maker.path('site.pem')}", key: "${maker.path('site.key')}" }
    routes: [ { upstream: web } ]
upstreams:
  web: { servers: [ "${backend.address}", "127.0.0.1:9" ]${more} }
  down: { servers: [ "127.0.0.1:9" ] }
`;
    const evenkeel = await Evenkeel.start(t, yaml(''), { hasSocket: true });
    const ask = await startPrometheus(t, admin, Number(pair.address.split(':')[1]));
    let round = 0;
    // everything happens again and again: rates are of what was scraped between
    const live = async (): Promise<void> => {
      assert.equal((await get(port)).status, 200);
      assert.equal((await get(port, '/down')).status, 502);
      await new Promise<void>((resolve, reject) => {
        const client = https.get({ port: secure, rejectUnauthorized: false, agent: false }, (answer) => {
          answer.resume().once('end', resolve);
        });
        client.once('error', reject);
      });
      writeFileSync(evenkeel.file, yaml(`, timeouts: { response: ${10 + (round++ % 2)}s }`));
      assert.equal((await reload(evenkeel)).error, undefined);
    };
    const found = expressions();
    assert.ok(found.length > 30);
    for (const [title, expr] of found) {
      const query = expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '30s');
      await until(
        async () => {
          await live();
          return (await ask(query)).length > 0;
        },
        () => `${title}: ${query}`,
      );
    }
  },
);

test('the dashboard and the alerts ask for metrics that there are, and the dashboard for most of the kinds', () => {
  const known = new Set([...metricsPage().matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name));
  const texts = [readFileSync(`${FOLDER}alerts.yaml`, 'utf8'), OF_PAIR, ...expressions().map(([, expr]) => expr)];
  for (const text of texts)
    for (const [name] of text.matchAll(/\bevenkeel_\w+/g))
      assert.ok(known.has(name) || known.has(name.replace(/_(bucket|sum|count)$/, '')), name);
});

test('alerts: right by promtool, and each fires when it has to', options, () => {
  const rules = spawnSync('promtool', ['check', 'rules', 'alerts.yaml'], { cwd: FOLDER, encoding: 'utf8' });
  assert.equal(rules.status, 0, `${rules.stdout}${rules.stderr}`);
  const tests = spawnSync('promtool', ['test', 'rules', 'alerts.test.yaml'], { cwd: FOLDER, encoding: 'utf8' });
  assert.equal(tests.status, 0, `${tests.stdout}${tests.stderr}`);
  const tested = readFileSync(`${FOLDER}alerts.test.yaml`, 'utf8');
  for (const [, name] of readFileSync(`${FOLDER}alerts.yaml`, 'utf8').matchAll(/alert: (\w+)/g)) {
    assert.match(tested, new RegExp(`alertname: ${name}\\b`), `${name} is tested`);
  }
});
