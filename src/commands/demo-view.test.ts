import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SERVER_DOWN, SERVER_UP } from '../base/board.ts';
import { clip, type DemoFrame, renderFrame, renderLine } from './demo-view.ts';
import { noPaint, paint } from './paint.ts';

const FRAME: DemoFrame = {
  title: 'evenkeel 0.1.0  ·  demo',
  httpUrl: 'http://127.0.0.1:8080/',
  tcpAddress: '127.0.0.1:8081',
  servers: [
    { name: 'red', color: 'red', state: SERVER_UP, share: 1, perSecond: 30, total: 12345 },
    { name: 'green', color: 'green', state: SERVER_DOWN, share: 1, perSecond: 0, total: 800 },
    { name: 'blue', color: 'blue', state: SERVER_UP, share: 0.25, perSecond: 7.6, total: 900 },
  ],
  requests: 14045,
  failed: 0,
  conversations: 12,
  medianMs: 1.25,
  p99Ms: 7,
  moved: 3,
  events: Array.from({ length: 20 }, (_, i) => `event ${i}`),
};

test('a frame shows every server, its state and its share of the requests', () => {
  const text = renderFrame(FRAME, 100, noPaint).join('\n');
  assert.match(text, /red +● up +30 {2}█{24} +12,345/);
  assert.match(text, /green +○ down +0 +800/);
  assert.match(text, /blue +◐ starts 25 % +8 {2}█{6}▏ +900/);
  assert.match(text, /14,045 requests {2}· {2}0 failed/);
});

test('a frame shows the last events only', () => {
  const text = renderFrame(FRAME, 100, noPaint).join('\n');
  assert.doesNotMatch(text, /event 11\n/);
  assert.match(text, /event 12\n.*event 19/s);
});

test('an event that is wider than the terminal goes on in the next line', () => {
  const notice = '10:00:00  port 8080 is taken by socat (pid 28269): the demo listens on 65535 instead';
  const lines = renderFrame({ ...FRAME, events: [...FRAME.events, notice] }, 60, noPaint);
  assert.deepEqual(lines.slice(-3), [
    '  event 19',
    '  10:00:00  port 8080 is taken by socat (pid 28269): the',
    '    demo listens on 65535 instead',
  ]);
  assert.equal(lines.filter((line) => line.includes('event')).length, 6);
});

test('no line is wider than the terminal, colors not counted', () => {
  for (const width of [20, 60, 80]) {
    const plain = renderFrame(FRAME, width, noPaint);
    assert.ok(plain.every((line) => line.length <= width));
    // oxlint-disable-next-line no-control-regex
    const painted = renderFrame(FRAME, width, paint).map((line) => line.replace(/\u001b\[\d+m/g, ''));
    assert.deepEqual(painted, plain);
  }
  assert.equal(clip(paint('red', 'abcdef'), 3), paint('red', 'abc'));
});

test('where there is no terminal a line says the same', () => {
  assert.equal(renderLine(FRAME), 'red ● up 30/s, green ○ down 0/s, blue ◐ starts 25 % 8/s; 14,045 requests, 0 failed');
});

function hasAddress(line: string): boolean {
  return line.includes('127.0.0.1');
}

test('at 80 columns every address is whole, also with the longest port', () => {
  const frame: DemoFrame = { ...FRAME, httpUrl: 'http://127.0.0.1:65535/', tcpAddress: '127.0.0.1:65534' };
  const wide = renderFrame(frame, 200, noPaint);
  const narrow = renderFrame(frame, 80, noPaint);
  assert.equal(wide.filter(hasAddress).length, 2);
  assert.deepEqual(narrow.filter(hasAddress), wide.filter(hasAddress));
});
