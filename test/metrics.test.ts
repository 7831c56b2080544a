/** What Prometheus gets: a real one scrapes a running evenkeel, and has what the status says. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';
import { until } from './waiting.ts';

const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;
const options = { skip: hasPrometheus ? false : 'needs prometheus' };
const FOLDER = fileURLToPath(new URL('../../packaging/prometheus/', import.meta.url));

interface Result {
  readonly data: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
  };
}

/** A Prometheus that scrapes this port; resolves with what asks it. */
async function startPrometheus(
  t: TestContext,
  target: number,
): Promise<(query: string) => Promise<Result['data']['result']>> {
  const folder = temporaryDirectory(t);
  const port = await freePort();
  const scrape = `{ job_name: evenkeel, scrape_interval: 1s, static_configs: [ { targets: ["127.0.0.1:${target}"] } ] }`;
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
