/** Health checks that speak the servers' protocols, against the real ones: what they see, and what they leave in the logs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealthPlan } from '../src/config/plan/health.ts';
import { probe, type ProbeResult } from '../src/keeper/servers/probe.ts';
import { freePort } from './evenkeel.ts';
import { startMariadb } from './mariadb.ts';
import { Daemon, peerSkip, temporaryDirectory } from './peers.ts';
import { postgresSkip, startPostgres } from './postgres.ts';
import { startSshd } from './sshd.ts';
import { until } from './waiting.ts';

const CHECKS = 20;

function check(plan: HealthPlan['probe'], port: number): Promise<ProbeResult> {
  const times = {
    intervalMs: 1000,
    timeoutMs: 30_000,
    rise: 1,
    fall: 1,
    jitter: 0,
    retryMs: null,
    initial: 'up',
  } as const;
  const health = { probe: plan, port: null, proxyProtocol: null, tls: null, ...times };
  return probe(health, { family: 4, host: '127.0.0.1', port }, 'x');
}

async function checkOften(plan: HealthPlan['probe'], port: number): Promise<ProbeResult> {
  for (let i = 1; i < CHECKS; i++) assert.equal((await check(plan, port)).isPassed, true);
  return check(plan, port);
}

test(
  'MariaDB: no aborted connection, no line in the log',
  peerSkip(null, 'mariadbd', 'mariadb', 'mariadb-install-db'),
  async (t) => {
    const { port, daemon, sql } = await startMariadb(t);
    const aborted = (): Promise<string> => sql(`SHOW GLOBAL STATUS LIKE 'Aborted%'`);
    const blocking = `SELECT IFNULL(SUM(sum_connect_errors + count_handshake_errors), 0) FROM performance_schema.host_cache`;
    const before = await aborted();
    const { length } = daemon.output;
    const result = await checkOften({ kind: 'mysql', user: 'evenkeel' }, port);
    assert.equal(result.isPassed, true);
    assert.match(result.reason, /^greeting: .*MariaDB/);
    await until(
      async () => (await sql(`SELECT COUNT(*) FROM information_schema.processlist WHERE user <> 'root'`)) === '0\n',
    );
    assert.equal(await aborted(), before);
    assert.equal(await sql(blocking), '0\n');
    assert.doesNotMatch(daemon.output.slice(length), /Warning|ERROR/);
    const refused = await check({ kind: 'mysql', user: 'nobody' }, port);
    assert.equal(refused.isPassed, false);
    assert.match(refused.reason, /^ERR 1045 Access denied for user 'nobody'/);
    assert.match((await check({ kind: 'mysql', user: 'app' }, port)).reason, /^ERR 1045 /);
    await sql(`SET GLOBAL max_connections = 10`);
    const held = Array.from({ length: 11 }, () => sql('SELECT SLEEP(3)').catch(() => ''));
    await until(async () =>
      (await check({ kind: 'mysql', user: 'evenkeel' }, port)).reason.startsWith('ERR 1040 Too many'),
    );
    await Promise.all(held);
  },
);

test('OpenSSH: no error in the log', peerSkip(null, 'sshd', 'ssh-keygen'), async (t) => {
  const { port, daemon } = await startSshd(t);
  // the test itself has connected to see whether it listens, and this is what sshd makes of that
  await until(() => daemon.output.includes('Connection closed by'));
  assert.match(daemon.output, /kex_exchange_identification: Connection closed/);
  const { length } = daemon.output;
  const result = await checkOften({ kind: 'ssh' }, port);
  assert.equal(result.isPassed, true);
  assert.match(result.reason, /^greeting: SSH-2\.0-OpenSSH/);
  await until(() => daemon.output.split('Received disconnect').length > CHECKS);
  assert.match(daemon.output, /:11: health check/);
  assert.doesNotMatch(daemon.output.slice(length), /error|fatal|banner|Bad packet|kex_exchange_identification/i);
});

test('Redis: up, with a password, loading', peerSkip(null, 'redis-server'), async (t) => {
  const start = async (...args: string[]): Promise<number> => {
    const port = await freePort();
    const settings = [
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--dir',
      temporaryDirectory(t),
      ...args,
    ];
    await Daemon.start(t, 'redis-server', settings, port);
    return port;
  };
  assert.deepEqual(await checkOften({ kind: 'redis' }, await start()), { isPassed: true, reason: 'redis: PONG' });
  const closed = await check({ kind: 'redis' }, await start('--requirepass', 'secret'));
  assert.deepEqual([closed.isPassed, closed.reason.startsWith('redis: NOAUTH')], [true, true]);
  const expected = { kind: 'expect', send: 'PING\r\n', expect: '^\\+PONG\\r\\n', transport: 'tcp' } as const;
  assert.deepEqual(await check(expected, await start()), { isPassed: true, reason: 'answer: +PONG??' });
});

test('PostgreSQL: nothing in the log', postgresSkip(null), async (t) => {
  const { port, daemon } = await startPostgres(t, { access: 'password' });
  await until(() => daemon.output.includes('ready to accept connections'));
  const { length } = daemon.output;
  const result = await checkOften({ kind: 'postgres', user: 'evenkeel' }, port);
  assert.deepEqual(result, { isPassed: true, reason: 'it authenticates clients' });
  assert.equal(daemon.output.slice(length), '');
});
