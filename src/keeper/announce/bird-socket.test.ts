import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { askBirdFacts } from './bird-socket.ts';

/** Answers each line that it is told; `greeting` comes first. */
async function serve(t: TestContext, greeting: string, answer: (line: string) => string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-bird-'));
  const path = join(directory, 'bird.ctl');
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      for (const line of data.toString().split('\n').slice(0, -1)) socket.write(answer(line));
    });
    socket.write(greeting);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return path;
}

function endless(line: string): string {
  return line === 'restrict' ? '0016 Access restricted\n' : ' \n'.repeat(3_000_000);
}

const GREETING = '0001 BIRD 2.0.12 ready.\n';

test('what it is told first is to change nothing, and then it is asked', async (t) => {
  const told: string[] = [];
  const path = await serve(t, GREETING, (line) => {
    told.push(line);
    if (line === 'restrict') return '0016 Access restricted\n';
    if (line === 'show protocols all') return '1002-direct1    Direct     ---        up     21:43:29.085  \n0000 \n';
    return '0000 \n';
  });
  const facts = await askBirdFacts(path, ['anycast']);
  assert.ok(typeof facts === 'object');
  assert.deepEqual([facts.version, facts.hasDirect, facts.sessions], ['2.0.12', true, []]);
  assert.deepEqual(told, ['restrict', 'show protocols all', 'show route where ifname = "anycast"']);
});

test('one that does not answer as BIRD does, or not for ever, is none', async (t) => {
  const ask = async (greeting: string, answer: (line: string) => string): Promise<unknown> =>
    askBirdFacts(await serve(t, greeting, answer), ['anycast']);
  assert.equal(await ask('0001 something else\n', () => ''), 'it does not speak as BIRD does');
  assert.equal(await ask(GREETING, () => '8007 Access denied\n'), 'it refuses `restrict`: Access denied');
  assert.equal(await ask(GREETING, endless), 'its answers have no end');
  assert.match(JSON.stringify(await askBirdFacts('/nowhere/bird.ctl', ['anycast'])), /no such file/i);
});
