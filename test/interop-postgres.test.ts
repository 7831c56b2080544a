/** PostgreSQL through evenkeel, which passes its TLS on by the host that psql asks for, in answer to its SSLRequest. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { type Run, run } from './peers.ts';
import { postgresSkip, startPostgres } from './postgres.ts';

const WHO = `SELECT current_setting('cluster_name'), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`;

test('PostgreSQL by the host that is asked for', postgresSkip(null), async (t) => {
  const certificates = new CertificateMaker();
  t.after(() => certificates.remove());
  const tls = certificates.make('shop', { names: ['shop.example'] });
  const [shop, plain] = await Promise.all([
    startPostgres(t, { access: 'trust', name: 'shop', tls }),
    startPostgres(t, { access: 'trust', name: 'plain' }),
  ]);
  for (const engine of ENGINES) {
    await t.test(`[${engine}]`, postgresSkip(engine), async (sub) => {
      const port = await freePort();
      const evenkeel = await Evenkeel.start(
        sub,
        `
listeners:
  postgres:
    bind: "127.0.0.1:${port}"
    protocol: tcp
    passthrough:
      wait: 10s
      postgres: true
      routes:
        - { server-name: shop.example, upstream: shop }
        - { server-name: plain.example, upstream: plain }
    upstream: plain
upstreams:
  shop: { servers: [ "127.0.0.1:${shop.port}" ] }
  plain: { servers: [ "127.0.0.1:${plain.port}" ] }
`,
        { engine, workers: 1 },
      );
      const psql = (host: string, how: string): Promise<Run> =>
        run('psql', ['-tA', '-c', WHO, `host=${host} hostaddr=127.0.0.1 port=${port} user=postgres ${how}`]);
      assert.equal((await psql('shop.example', 'sslmode=require')).stdout, 'shop|t\n');
      const verified = await psql('shop.example', `sslmode=verify-full sslrootcert=${tls.certificate}`);
      assert.equal(verified.stdout, 'shop|t\n', verified.stderr);
      assert.equal(
        (await psql('shop.example', 'sslmode=disable')).stdout,
        'plain|f\n',
        'in clear nothing is asked for',
      );
      const refused = await psql('plain.example', 'sslmode=require');
      assert.notEqual(refused.code, 0, 'the server does not speak TLS');
      await evenkeel.said(/upstream plain: .*reason=connect-failed/);
    });
  }
});
