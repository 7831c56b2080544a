import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { type Heard, NoList, type WatchedList } from './watched-list.ts';
import { type Store, WATCH_TIMES, WatchedSource, type WatchTimes } from './watched-source.ts';

/** A list that is the last line. */
class LastLine implements WatchedList {
  private last = '';

  all = () => ({ path: '/all', body: null });

  changes = () => ({ path: '/changes', body: null });

  forget(): void {
    this.last = 'forgotten';
  }

  handleAll(text: string): boolean {
    this.last = text;
    return true;
  }

  handleLine(line: string): Heard {
    if (line === 'outdated' || line === 'same') return line;
    if (line === 'nonsense') throw new NoList('it talks nonsense');
    this.last = line;
    return 'changed';
  }

  list(): string {
    if (this.last === 'empty') throw new NoList('nobody is there');
    return this.last;
  }
}

class Stage {
  /** What the handler has heard. */
  readonly heard: string[] = [];
  /** Each watch that has begun. */
  readonly watches: http.ServerResponse[] = [];
  /** What is answered by `all`; null: nothing at all. */
  all: string | null = 'first';
  /** Questions for all of it. */
  asked = 0;
  failures = 0;
  private wake: () => void = () => undefined;

  async open(t: TestContext, times: Partial<WatchTimes> = {}): Promise<void> {
    const server = http.createServer(({ url }, response) => {
      if (url === '/changes') {
        response.writeHead(200).flushHeaders();
        this.watches.push(response);
      } else {
        this.asked++;
        if (this.all !== null) response.writeHead(this.all === '' ? 503 : 200).end(this.all);
      }
      this.wake();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const store: Store = {
      connect: () => ({ origin: `http://127.0.0.1:${port}`, headers: {}, tls: {} }),
      handleFailure: () => void this.failures++,
    };
    const hear = (what: string): void => {
      this.heard.push(what);
      this.wake();
    };
    const handler = { handleText: hear, handleFailure: (why: string) => hear(`not: ${why}`) };
    const quick = { ...WATCH_TIMES, againMs: 1, againMsMax: 1, gatherMs: 1, ...times };
    const source = new WatchedSource(store, new LastLine(), handler, quick);
    t.after(() => {
      source.stop();
      server.close().closeAllConnections();
    });
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

test('all of it is told, and then what each line makes of it', { timeout: 60_000 }, async (t) => {
  const stage = new Stage();
  await stage.open(t);
  await stage.until(() => stage.watches.length === 1);
  stage.watches[0].write('second\nthi');
  await stage.until(() => stage.heard.at(-1) === 'second');
  stage.watches[0].write('rd\n');
  await stage.until(() => stage.heard.at(-1) === 'third');
  assert.equal(stage.heard[0], 'first');
});

test('a watch that ends is gone on with, and nothing is told of it', { timeout: 60_000 }, async (t) => {
  const stage = new Stage();
  await stage.open(t);
  await stage.until(() => stage.watches.length === 1);
  stage.watches[0].end('second\n');
  await stage.until(() => stage.watches.length === 2);
  stage.watches[1].write('third\n');
  await stage.until(() => stage.heard.at(-1) === 'third');
  assert.equal(stage.asked, 1);
  assert.equal(stage.failures, 0);
});

test(
  'a watch is begun anew when it is old, and one that the store cannot go on with after a new list',
  { timeout: 60_000 },
  async (t) => {
    const stage = new Stage();
    await stage.open(t, { watchMs: 20 });
    await stage.until(() => stage.watches.length >= 3);
    stage.all = 'all anew';
    const { length } = stage.watches;
    await stage.until(() => {
      stage.watches.at(-1)!.write('outdated\n');
      return stage.heard.at(-1) === 'all anew' && stage.watches.length > length;
    });
    assert.equal(stage.failures, 0);
  },
);

test(
  'what a line says wrong, or a connection that breaks, is told when the next question fails too',
  { timeout: 60_000 },
  async (t) => {
    const stage = new Stage();
    await stage.open(t);
    await stage.until(() => stage.watches.length === 1);
    stage.watches[0].write('nonsense\n');
    await stage.until(() => stage.watches.length === 2);
    assert.equal(stage.failures, 1);
    assert.ok(!stage.heard.some((what) => what.startsWith('not')));
    stage.all = '';
    stage.watches[1].destroy();
    await stage.until(() => stage.heard.at(-1) === 'not: it answers 503');
    stage.all = 'back';
    await stage.until(() => stage.heard.at(-1) === 'back');
  },
);

test('who says nothing is told at once where there was no list yet', { timeout: 60_000 }, async (t) => {
  const stage = new Stage();
  stage.all = null;
  await stage.open(t, { answerMs: 20 });
  await stage.until(() => stage.heard.length > 0);
  assert.equal(stage.heard[0], 'not: it took too long');
});

test('an empty list is told as a failure, and the watch goes on', { timeout: 60_000 }, async (t) => {
  const stage = new Stage();
  stage.all = 'empty';
  await stage.open(t);
  await stage.until(() => stage.watches.length === 1 && stage.heard.length > 0);
  assert.equal(stage.heard[0], 'not: nobody is there');
  stage.watches[0].write('somebody\n');
  await stage.until(() => stage.heard.at(-1) === 'somebody');
  assert.equal(stage.failures, 0);
});
