/** What puts a site behind a page does so: the example of the page about values, and the commands of the one about maintenance. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { commandOf } from '../commands.ts';
import { engineSkip, ENGINES, Evenkeel, freePort, startBackend } from '../evenkeel.ts';
import { temporaryDirectory } from '../peers.ts';
import { reload } from '../reloading.ts';
import { Page } from './page.ts';

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

test('every command of the page about maintenance does what is shown', engineSkip('node'), async (t) => {
  const page = new Page('maintenance.md');
  const [file] = page.blocks('yaml');
  const server = await startBackend(t, (_, response) => response.end('the site'));
  const port = await freePort();
  const yaml = file
    .replace('127.0.0.1:8080', `127.0.0.1:${port}`)
    .replace('192.0.2.7:80', server.address)
    .replace('192.168.15.0/24', '127.0.0.2');
  const env = { STATE_DIRECTORY: temporaryDirectory(t) };
  const evenkeel = await Evenkeel.start(t, yaml, { engine: 'node', workers: 1, hasSocket: true, env });
  const command = commandOf(`${evenkeel.file}.sock`);
  const ask = async (path: string, localAddress = '127.0.0.1'): Promise<string> => {
    const request = http.get({ port, host: '127.0.0.1', path, localAddress, agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return `${response.statusCode} ${response.headers['retry-after'] ?? '-'} ${await text(response)}`;
  };
  const behindPage = /^503 1800 <!doctype html><title>Back soon<\/title><p>Back soon\. Ask us about [0-9a-f]{32}\.\n$/;
  const site = '200 - the site';
  const [on, off, closes, opens] = page.commands();
  const say = async ({ line, shown }: typeof on): Promise<void> => {
    const { code, stderr, stdout } = await command(...line.split(' ').slice(1));
    assert.deepEqual([code, stdout + stderr], [0, shown], line);
  };

  assert.equal(await ask('/'), site);
  await say(on);
  assert.match(await ask('/'), behindPage);
  assert.match(await ask('/shop/a'), behindPage);
  assert.equal(await ask('/', '127.0.0.2'), site, 'who works on it');
  assert.equal(await ask('/ready'), '200 - ready\n', 'a load balancer in front');

  // another page, by a reload
  writeFileSync(evenkeel.file, yaml.replace('Back soon.', 'Later.'));
  assert.deepEqual((await reload(evenkeel)).changes, ['maintenance changed']);
  assert.match(await ask('/'), /^503 1800 .*Later/);
  assert.match((await command('status')).stdout, /by hand: maintenance on; the file says off \(\S+, .* ago\)/);
  await say(off);
  assert.equal(await ask('/'), site);

  await say(closes);
  assert.match(await ask('/shop/a'), /^503/);
  assert.match(
    (await command('why', 'web')).stdout,
    /^ {2}by hand +maintenance web \/shop\/ on; the file says off \(/m,
  );
  assert.equal(await ask('/'), site);
  const { code, stderr } = await command('maintenance', 'on', 'web', '--route', '/shop');
  assert.deepEqual([code, stderr], [1, 'evenkeel: there is no maintenance web /shop; did you mean web /shop/?\n']);
  await say(opens);
  assert.equal(await ask('/shop/a'), site);
});
