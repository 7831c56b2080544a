/** The commands of docs/why.md, in their order, say what stands below them, but for ages, times and identifiers. */
import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { printedBy } from '../commands.ts';
import { askSocket } from '../control-socket.ts';
import { engineSkip, Evenkeel, freePort, program, startBackend } from '../evenkeel.ts';
import { temporaryDirectory } from '../peers.ts';
import { until } from '../waiting.ts';
import { Page } from './page.ts';

const page = new Page('why.md');
const [file] = page.blocks('yaml');
const ID = /\b[0-9a-f]{32}\b/;

/** Without what is another each time. */
function settled(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T')
    .replaceAll(/\b\d+(?:\.\d+)? (?:ms|s)\b|\b\d+ (?:min|h|days?)(?: \d+ (?:s|min|h))?/g, 'AGE')
    .replaceAll(new RegExp(ID, 'g'), 'ID')
    .replaceAll(`, ${userInfo().username}:`, ', root:')
    .replaceAll(`by ${userInfo().username}:`, 'by root:')
    .replaceAll(`(${userInfo().username},`, '(root,');
}

test('every command on the page says what is shown', engineSkip('node'), async (t) => {
  const [port, first, second, gone] = [
    await freePort(),
    await startBackend(t),
    await startBackend(t),
    await freePort(),
  ];
  const here = (text: string): string =>
    text
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
      .replaceAll('192.0.2.7:80', first.address)
      .replaceAll('192.0.2.8:80', second.address)
      .replaceAll('192.0.2.9:80', `127.0.0.1:${gone}`);
  const env = { STATE_DIRECTORY: temporaryDirectory(t) };
  const evenkeel = await Evenkeel.start(t, here(file), { engine: 'node', workers: 1, hasSocket: true, env });
  const socket = `${evenkeel.file}.sock`;
  const isUp = async (): Promise<boolean> => {
    const { servers } = await askSocket<{ readonly servers: readonly { readonly state: string }[] }>(
      socket,
      'GET',
      '/v1/upstreams/shop',
    );
    return servers.every(({ state }) => state === 'up');
  };
  await until(isUp, () => 'the servers never were up');
  let id = '';
  const commands = page.commands(here);
  assert.equal(commands.length, 5);
  for (const { line, shown } of commands) {
    const real = line
      .replace(ID, id)
      .replace(/^evenkeel (.*)$/, `'${process.execPath}' '${program}' $1 --socket ${socket}`);
    if (ID.test(line)) {
      const isKept = async (): Promise<boolean> =>
        !('error' in (await askSocket<object>(socket, 'GET', `/v1/errors/${id}`)));
      await until(isKept, () => `request ${id} was never told of`);
    }
    const found = await printedBy(real);
    id = ID.exec(found)?.[0] ?? id;
    assert.equal(settled(found), settled(shown), line);
  }
});
