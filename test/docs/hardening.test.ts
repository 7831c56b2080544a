/** docs/hardening.md: what its file lets in, and what its command shows. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, program, startBackend } from '../evenkeel.ts';
import { RawConnection } from '../raw.ts';

const page = readFileSync(new URL('../../../docs/hardening.md', import.meta.url), 'utf8');
const [, file] = /^```yaml\n([^]*?)^```/m.exec(page)!;
const [, block] = /^```console\n([^]*?)^```/m.exec(page)!;
const hasJq = spawnSync('jq', ['--version']).status === 0;

for (const engine of ENGINES) {
  test(
    `[${engine}] the file of the page lets in what it says, and proxies have no rights`,
    engineSkip(engine),
    async (t) => {
      const [port, admin, server] = [await freePort(), await freePort(), await startBackend(t)];
      const yaml = file
        .replace('*:80', `127.0.0.1:${port}`)
        .replace('127.0.0.1:9900', `127.0.0.1:${admin}`)
        .replace('192.168.15.7:80', server.address);
      const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, hasSocket: true });
      const statusOf = async (head: string): Promise<number> => {
        const connection = await RawConnection.open(t, port);
        connection.write(`${head}\r\n\r\n`);
        return (await connection.response()).status;
      };
      assert.equal(await statusOf('GET / HTTP/1.1\r\nHost: shop.example'), 200);
      assert.equal(await statusOf('GET /admin/x HTTP/1.1\r\nHost: shop.example'), 403);
      assert.equal(await statusOf('POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 10485761'), 413);
      await assert.rejects(fetch(`http://127.0.0.1:${port}/`));

      if (process.getuid?.() !== 0 || !hasJq) return t.diagnostic('the command was not run: it needs root and jq');
      const [, command, shown] = /^# (.*)\n([^]*)/.exec(block)!;
      const here = command.replace(
        'evenkeel status',
        `'${process.execPath}' '${program}' status --socket ${evenkeel.file}.sock`,
      );
      assert.equal(execFileSync('sh', ['-c', here], { encoding: 'utf8' }), shown);
    },
  );
}
