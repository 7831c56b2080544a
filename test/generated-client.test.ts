/**
 * A client that is generated from the OpenAPI document of a running evenkeel, by a generator that knows nothing of it, type-checks, and asks
 * for every operation.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { generateSource } from 'oazapfts';
import { build } from 'rolldown';
import { tokenOf } from './commands.ts';
import { engineSkip, Evenkeel, freePort, startBackend } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';
import { endAfter } from './upgrading.ts';

interface Reply {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
}

type Client = Readonly<Record<string, (...given: unknown[]) => Promise<Reply>>> & {
  readonly defaults: { baseUrl: string; headers: Record<string, string> };
};

/** What a program in TypeScript would write. */
const USE = `
import { type Configuration, configuration, defaults, putConfigurationPart, allServers } from './client.ts';

defaults.baseUrl = 'http://127.0.0.1:1';
export async function use(): Promise<string> {
  const reply = await configuration();
  if (reply.status !== 200) return reply.data.error;
  const { file }: Configuration = reply.data;
  const found = await allServers({ state: 'down', limit: 3 });
  if (found.status === 200) for (const { upstream, reason } of found.data.items) console.log(upstream.toUpperCase(), reason);
  const put = await putConfigurationPart('"x"', '/workers', 2, { confirm: 60 });
  return put.status === 200 ? put.data.changes.join() + file : put.data.error;
}
`;

/** Beside node_modules, where its runtime is. */
function folderFor(t: TestContext): string {
  const folder = mkdtempSync(fileURLToPath(new URL('client-', import.meta.url)));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function clientOf(t: TestContext, document: object): Promise<Client> {
  const folder = folderFor(t);
  const [spec, source, use] = ['openapi.json', 'client.ts', 'use.ts'].map((name) => join(folder, name));
  writeFileSync(spec, JSON.stringify(document));
  writeFileSync(source, await generateSource(spec, { useUnknown: true }));
  writeFileSync(use, USE);
  const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
  const flags = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--allowImportingTsExtensions',
    '--types',
    '',
  ];
  const target = ['--target', 'es2023', '--lib', 'es2023,dom,dom.iterable', '--module', 'preserve'];
  try {
    execFileSync(process.execPath, [tsc, ...flags, ...target, use], { encoding: 'utf8', cwd: folder });
  } catch (error) {
    assert.fail((error as { stdout: string }).stdout);
  }
  const file = join(folder, 'client.mjs');
  await build({ input: source, output: { file }, logLevel: 'silent', platform: 'node' });
  return (await import(pathToFileURL(file).href)) as Client;
}

interface Described {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly operationId: string; readonly responses: object }>>>
  >;
}

test('a client made from the document asks for everything', engineSkip('node'), async (t) => {
  const { address: server } = await startBackend(t);
  const [port, web, state] = [await freePort(), await freePort(), temporaryDirectory(t)];
  const env = { STATE_DIRECTORY: state };
  const file = `
admin: { bind: "127.0.0.1:${port}" }
listeners: { web: { bind: "127.0.0.1:${web}", protocol: http, routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server}" ] } }
`;
  await Evenkeel.start(t, file, { engine: 'node', workers: 1, hasSocket: true, env });
  const baseUrl = `http://127.0.0.1:${port}`;
  const document = (await (await fetch(`${baseUrl}/v1/openapi.json`)).json()) as Described;
  const client = await clientOf(t, document);
  client.defaults.baseUrl = baseUrl;
  assert.equal((await client['configuration']()).status, 401);
  const token = tokenOf(state)('add', 'ci', '--full');
  client.defaults.headers['Authorization'] = `Bearer ${token}`;

  const balance = '/upstreams/web/balance';
  let whole: unknown;
  let tag = '';
  /** In this order; after each the tag is that of what is in force. */
  const steps: readonly (readonly [status: number, id: string, ...given: unknown[]])[] = [
    [200, 'readiness'],
    [200, 'listener', 'web'],
    [200, 'listeners', { limit: 1 }],
    [200, 'upstream', 'web'],
    [404, 'upstream', 'nowhere'],
    [200, 'server', 'web', server],
    [200, 'allServers', { state: 'unchecked' }],
    [404, 'router', 'VI_1'],
    [200, 'events', { limit: 2 }],
    [200, 'configurationPart', '/upstreams'],
    [404, 'configurationPart', '/nowhere'],
    [200, 'putConfigurationPart', balance, () => tag, 'least-connections'],
    [412, 'putConfigurationPart', balance, '"x"', 'least-connections'],
    [422, 'putConfigurationPart', balance, '*', 'fastest'],
    [200, 'patchConfigurationPart', '/upstreams/web', () => tag, { balance: 'random-two' }, { confirm: 600 }],
    [200, 'confirmConfiguration', { by: 'alice' }],
    [409, 'confirmConfiguration'],
    [200, 'deleteConfigurationPart', balance, () => tag, { confirm: 600 }],
    [200, 'rollBackConfiguration'],
    [409, 'rollBackConfiguration'],
    [200, 'configurationDifferences'],
    [200, 'replaceConfiguration', () => tag, () => whole],
    [200, 'resetConfiguration', () => tag],
    [200, 'reload', { by: 'alice' }],
    [200, 'reopenLogs'],
    [200, 'weighServer', 'web', server, { to: 3 }],
    [200, 'drainServer', 'web', server],
    [200, 'disableServer', 'web', server],
    [200, 'enableServer', 'web', server],
    [200, 'drainListener', 'web'],
    [200, 'enableListener', 'web'],
    [200, 'drainNode', { by: 'alice' }],
    [503, 'readiness'],
    [200, 'enableNode'],
    [404, 'handOver', 'VI_1', { $for: 5 }],
    [404, 'resume', 'VI_1'],
  ];
  for (const [status, id, ...given] of steps) {
    const reply = await client[id](
      ...given.map((each) => (typeof each === 'function' ? (each as () => unknown)() : each)),
    );
    assert.equal(reply.status, status, `${id}: ${JSON.stringify(reply.data)}`);
    const now = await client['configuration']();
    whole = now.data['config'];
    tag = now.headers.get('etag')!;
  }
  // What has no step of its own is answered as the document says, and knows what it was asked for.
  const apart = new Set([...steps.map(([, id]) => id), 'upgrade', 'followEvents']);
  for (const operation of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
    const { operationId, responses } = operation;
    assert.equal(typeof client[operationId], 'function', operationId);
    if (apart.has(operationId)) continue;
    const { status } = await client[operationId]();
    assert.ok(Object.hasOwn(responses, status), `${operationId}: ${status}`);
  }
  const upgraded = await client['upgrade']();
  assert.equal(upgraded.status, 200, JSON.stringify(upgraded.data));
  endAfter(t, upgraded.data['pid'] as number);
});
