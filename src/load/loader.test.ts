import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { EXIT_OTHER_PROGRAM } from '../keeper/proxies/proxy-arguments.ts';
import { Loader, type LoaderOptions } from './loader.ts';

const HEAD = "import { parentPort } from 'node:worker_threads';";

/** A thread that does `what` with each request. */
function thread(what: string): URL {
  const code = `${HEAD} parentPort.on('message', (request) => { ${what} });`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

function loaderOf(t: TestContext, options: Partial<LoaderOptions> & { readonly path?: string }): Loader {
  const request = { files: [{ path: options.path ?? 'x.yaml', language: null }], node: null, workers: 1 };
  const loader = new Loader({ request, ...options });
  t.after(() => loader.close());
  return loader;
}

async function said(loader: Loader): Promise<string> {
  const { printed, loaded } = await loader.load();
  assert.equal(loaded, null);
  return printed.join('');
}

test('a thread that ends, breaks, hangs or eats memory is a reason to refuse, and the next one reads again', async (t) => {
  const ends = loaderOf(t, { thread: thread('process.exit(4)') });
  assert.match(await said(ends), /^the configuration cannot be read: the thread that reads it ended with 4\n$/);
  assert.match(await said(ends), /ended with 4\n$/);
  const breaks = loaderOf(t, { thread: thread("throw new Error('boom')") });
  assert.match(await said(breaks), /reading it failed by a bug: Error: boom; +at .*\n$/);
  const hangs = loaderOf(t, { thread: thread('for (;;);'), withinMs: 300 });
  assert.match(await said(hangs), /reading it took longer than 0\.3 s\n$/);
  assert.match(await said(hangs), /reading it took longer than 0\.3 s\n$/);
  const eats = loaderOf(t, {
    thread: thread('const all = []; for (;;) all.push({ request, all: [...all.slice(-100)] });'),
    memoryMiB: 20,
  });
  assert.match(await said(eats), /reading it took more than 20 MiB of memory\n$/);
});

test('a thread of another program is said to be one', async (t) => {
  const loader = loaderOf(t, { thread: thread('process.exit(0)') });
  await said(loader);
  const other = new URL(`data:text/javascript,${encodeURIComponent(`process.exit(${EXIT_OTHER_PROGRAM})`)}`);
  assert.match(await said(loaderOf(t, { thread: other })), /the program on disk is another one now.*evenkeel upgrade/);
});

test('what cannot be read is said, and by a thread that goes on', async (t) => {
  const loader = loaderOf(t, { path: '/nowhere/x.yaml' });
  assert.match(await said(loader), /^\/nowhere\/x\.yaml: cannot be read: /);
  assert.match(await said(loader), /^\/nowhere\/x\.yaml: cannot be read: /);
});
