/** MariaDB behind a TCP listener: real logins, and bulk transfers in both directions. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { startMariadb } from './mariadb.ts';
import { peerSkip, run, runOk, sha256, temporaryDirectory } from './peers.ts';

function login(port: number, password = 'secret'): string[] {
  const server = ['--no-defaults', '--protocol=tcp', '-h127.0.0.1', `-P${port}`, '--max-allowed-packet=64M'];
  return [...server, '-uapp', `-p${password}`];
}

const FILL = `
CREATE OR REPLACE TABLE bulk (id INT PRIMARY KEY, body LONGTEXT NOT NULL);
INSERT INTO bulk SELECT seq, REPEAT(SHA2(seq, 512), 500) FROM seq_1_to_300;
`;

test(
  'MariaDB through evenkeel',
  peerSkip(null, 'mariadbd', 'mariadb', 'mariadb-dump', 'mariadb-install-db'),
  async (t) => {
    const { port: server } = await startMariadb(t);
    const directory = temporaryDirectory(t);
    await runOk('mariadb', [...login(server), 'shop', '-e', FILL]);
    const direct = join(directory, 'direct.sql');
    const dump = ['--skip-dump-date', '--skip-comments', '--no-tablespaces', 'shop'];
    await runOk('mariadb-dump', [...login(server), ...dump], { output: direct });
    const checksum = (port: number): Promise<string> =>
      runOk('mariadb', [...login(port), 'shop', '-N', '-e', 'CHECKSUM TABLE bulk EXTENDED']);
    const expected = await checksum(server);

    for (const engine of ENGINES) {
      await t.test(`[${engine}]`, engineSkip(engine), async (t) => {
        const port = await freePort();
        const yaml = `
listeners: { mysql: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: mysql } }
upstreams:
  mysql:
    balance: least-connections
    servers: [ "127.0.0.1:1", "127.0.0.1:${server}" ]
    health: { mysql: evenkeel, interval: 500ms }
`;
        await Evenkeel.start(t, yaml, { engine, workers: 2 });

        await t.test('a login and a query', async () => {
          assert.equal(await runOk('mariadb', [...login(port), 'shop', '-N', '-e', 'SELECT 6 * 7']), '42\n');
        });

        await t.test('a login that the server refuses', async () => {
          const { code, stderr } = await run('mariadb', [...login(port, 'wrong'), '-e', 'SELECT 1']);
          assert.equal(code, 1);
          assert.match(stderr, /Access denied/);
        });

        await t.test('a bulk transfer from the server: the same bytes as without evenkeel', async () => {
          const through = join(directory, `${engine}.sql`);
          await runOk('mariadb-dump', [...login(port), ...dump], { output: through });
          assert.equal(await sha256(through), await sha256(direct));
        });

        await t.test('a bulk transfer to the server: the same table as before', async () => {
          await runOk('mariadb', [...login(port), 'shop', '-e', 'DROP TABLE bulk']);
          await runOk('mariadb', [...login(port), 'shop'], { input: direct });
          assert.equal(await checksum(port), expected);
        });

        await t.test('one packet of 20 MB', async () => {
          const large = await runOk('mariadb', [...login(port), '-N', '-e', `SELECT REPEAT('z', 20000000)`]);
          assert.equal(large.length, 20_000_001);
        });

        await t.test('twenty sessions at the same time', async () => {
          const answers = await Promise.all(
            Array.from({ length: 20 }, (_, i) =>
              runOk('mariadb', [...login(port), '-N', '-e', `SELECT ${i}, SLEEP(0.2)`]),
            ),
          );
          answers.forEach((answer, i) => assert.equal(answer, `${i}\t0\n`));
        });
      });
    }
  },
);
