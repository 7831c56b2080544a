/** The example of the page about values that puts a whole site behind a page does so. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, startBackend } from '../evenkeel.ts';

const PAGE = readFileSync(new URL('../../../docs/values.md', import.meta.url), 'utf8');
const [, EXAMPLE] = /^## A page for everything[^]*?^```yaml\n([^]*?)^```/m.exec(PAGE)!;

for (const engine of ENGINES) {
  test(`[${engine}] while the file exists, everything is answered with the page`, engineSkip(engine), async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'evenkeel-www-'));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    chmodSync(root, 0o755);
    writeFileSync(join(root, 'maintenance.html'), 'the page\n');
    const server = await startBackend(t, (_, response) => response.end('the site'));
    const port = await freePort();
    const yaml = EXAMPLE.replaceAll('/srv/www', root)
      .replace('*:8080', `127.0.0.1:${port}`)
      .replaceAll(/192\.0\.2\.\d:80/g, server.address);
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const ask = async (path: string, init: RequestInit = {}): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
      return `${response.status} ${response.headers.get('content-type')} ${await response.text()}`;
    };
    const behindPage = '503 text/html; charset=utf-8 the page\n';
    assert.equal(await ask('/admin/'), '200 null the site');

    writeFileSync(join(root, 'maintenance.on'), '');
    await evenkeel.said(/the value maintenance is 1/);
    for (const path of ['/', '/admin/', '/picture.png', '/maintenance.html'])
      assert.equal(await ask(path), behindPage, path);
    assert.equal(await ask('/', { method: 'POST', body: 'x' }), behindPage);

    rmSync(join(root, 'maintenance.on'));
    await evenkeel.said(/the value maintenance is empty/);
    assert.equal(await ask('/'), '200 null the site');
  });
}
