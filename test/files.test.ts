/** Routes that answer with files (docs/files.md), and the process that reads them. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { askStatus } from '../src/commands/control-client.ts';
import { engineSkip, ENGINES, Evenkeel, freePort, get, kill } from './evenkeel.ts';
import { RawConnection } from './raw.ts';

const LARGE = 'large '.repeat(500_000);

function makeFolder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'evenkeel-www-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  chmodSync(root, 0o755);
  mkdirSync(join(root, 'dir'));
  writeFileSync(join(root, 'index.html'), 'front page\n');
  writeFileSync(join(root, 'dir/page.html'), 'a page\n');
  writeFileSync(join(root, 'down.html'), 'down for a while\n');
  writeFileSync(join(root, 'large.txt'), LARGE);
  symlinkSync('/etc/passwd', join(root, 'out'));
  return root;
}

/** Of the process that reads files. */
function filesPid(evenkeel: Evenkeel): number {
  return evenkeel.proxies().find(isFiles) ?? 0;
}

function isFiles(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('evenkeel: files');
}

for (const engine of ENGINES) {
  test(`[${engine}] files are answered by a process that may be killed`, engineSkip(engine), async (t) => {
    const root = makeFolder(t);
    const [port, dead] = [await freePort(), await freePort()];
    const configuration = (more: string): string => `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - { match: { path: /api/ }, upstream: api, errors: [ { status: [502, 503], to: /down.html } ] }
      - { match: { path: /app/ }, files: { root: ${root}, strip: /app, try: ["{decoded-path}"], otherwise: { call: app } } }
      - { name: app, respond: { body: "the app" } }
${more}      - files: { root: ${root} }
upstreams: { api: { servers: [ "127.0.0.1:${dead}" ] } }
`;
    const evenkeel = await Evenkeel.start(t, configuration(''), { engine, workers: 1, hasSocket: true });
    const bodyOf = async (path: string): Promise<string> => (await get(port, path)).body;
    assert.equal(await bodyOf('/'), 'front page\n');
    assert.equal(await bodyOf('/large.txt'), LARGE);
    assert.equal(await bodyOf('/app/dir/page.html'), 'a page\n');
    assert.equal(await bodyOf('/app/nothing'), 'the app');
    assert.deepEqual(await get(port, '/api/x'), { status: 502, body: 'down for a while\n' });
    const reason = await new Promise((resolve) => {
      http.get({ port, path: '/api/x', agent: false }, (response) => resolve(response.resume().statusMessage));
    });
    assert.equal(reason, 'Bad Gateway', 'that of the error, not of the page');
    for (const [path, status] of Object.entries({ '/out': 404, '/nothing': 404, '/dir': 301, '/dir/': 403 }))
      assert.equal((await get(port, path)).status, status, path);
    await evenkeel.said(/warn .*files: root .*"\/out" leads out of its root/);

    const { upstreams } = await askStatus(`${evenkeel.file}.sock`);
    const [files] = upstreams.find(({ name }) => name === '(files)')!.servers;
    assert.deepEqual([files.name, files.address, files.state], ['files', null, 'unchecked']);

    // a client that does not read holds nobody up
    const stalled = await RawConnection.open(t, port);
    stalled.socket.pause();
    stalled.write('GET /large.txt HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.equal(await bodyOf('/large.txt'), LARGE);

    if (process.getuid?.() === 0) {
      const status = readFileSync(`/proc/${filesPid(evenkeel)}/status`, 'utf8');
      assert.doesNotMatch(status, /^Uid:\s*0\s/m);
      assert.match(status, /^CapEff:\s*0+$/m);
    }
    kill(filesPid(evenkeel), 'SIGKILL');
    assert.equal(await bodyOf('/'), 'front page\n');
    await evenkeel.said(/files ended \(killed by SIGKILL\); another one starts/);

    const more = `      - { match: { path: /more/ }, files: { root: ${root}/dir, strip: /more, index: page.html } }\n`;
    writeFileSync(evenkeel.file, configuration(more));
    evenkeel.signal('SIGHUP');
    await evenkeel.said(/reload by SIGHUP: .*routes changed/);
    assert.equal(await bodyOf('/more/'), 'a page\n');
    writeFileSync(join(root, 'index.html'), 'another front page\n');
    assert.equal(await bodyOf('/'), 'another front page\n');
  });
}
