import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noPaint, paint } from './paint.ts';
import { type LabFrame, renderLabFrame, renderLabLine, renderLabScreen } from './lab-view.ts';

const FRAME: LabFrame = {
  title: 'evenkeel 0.1.0  ·  lab',
  address: '192.168.15.3',
  nodes: [
    {
      name: 'lb01',
      process: 'frozen',
      link: 'cut',
      hasAddress: false,
      status: null,
    },
    {
      name: 'lb02',
      process: 'running',
      link: 'up',
      hasAddress: true,
      status: { state: 'active', stateAgeMs: 4200, priority: 100, fault: null, evidence: null },
    },
  ],
  mac: '00:00:5e:00:01:32',
  port: 'lb02',
  answered: 12_345,
  failed: 720,
  isDown: false,
  longestMs: 3601.4,
  last: { lengthMs: 3601.4, outcomes: '720 no answer' },
};

test('a frame shows each node, where the address is, and what the client sees', () => {
  const text = renderLabFrame(FRAME, ['10:00:00.000  lb02 has the address'], 120, noPaint).join('\n');
  assert.match(text, /lb01 +frozen +cut +○ not here +does not answer/);
  assert.match(text, /lb02 +running +up +● 192\.168\.15\.3 +active for 4\.2 s {2}priority 100/);
  assert.match(text, /192\.168\.15\.3 is at 00:00:5e:00:01:32, which is lb02/);
  assert.match(text, /12,345 answered {2}· {2}720 failed {2}· {2}longest gap 3,601 ms$/m);
  assert.match(text, /is answered now {2}· {2}last gap 3,601 ms: 720 no answer/);
  assert.match(text, /lb02 has the address$/);
});

test('on a terminal of 80 columns nothing is cut', () => {
  const busy = { ...FRAME, answered: 1_234_567, failed: 123_456, longestMs: 123_456, isDown: true };
  assert.deepEqual(renderLabFrame(busy, [], 80, noPaint), renderLabFrame(busy, [], 200, noPaint));
  assert.deepEqual(renderLabFrame(FRAME, [], 80, noPaint), renderLabFrame(FRAME, [], 200, noPaint));
});

test('no line is wider than the terminal, colors not counted', () => {
  for (const width of [20, 60, 80]) {
    const plain = renderLabScreen(FRAME, ['10:00:00.000  x'], 'lb01', { rows: 24, columns: width }, noPaint);
    assert.ok(plain.every((line) => line.length <= width));
    // oxlint-disable-next-line no-control-regex
    const painted = renderLabFrame(FRAME, [], width, paint).map((line) => line.replace(/\u001b\[\d+m/g, ''));
    assert.deepEqual(painted, renderLabFrame(FRAME, [], width, noPaint));
  }
});

test('on a low terminal the newest events and the keys are seen, and on a very low one the nodes', () => {
  const events = Array.from({ length: 40 }, (_, i) => `event ${i}`);
  const [usual, low] = [24, 8].map((rows) => renderLabScreen(FRAME, events, null, { rows, columns: 80 }, noPaint));
  assert.equal(usual.length, 24);
  assert.equal(
    usual.findLast((line) => line.includes('event')),
    '  event 39',
  );
  assert.match(usual[23], /^ {2}of: the node that has the address/);
  assert.equal(low.length, 8);
  assert.match(low[4], /lb01/);
});

test('a process that is gone has no role, whatever was last heard of it', () => {
  const [, lb02] = FRAME.nodes;
  const text = renderLabFrame({ ...FRAME, nodes: [{ ...lb02, process: 'gone' }] }, [], 120, noPaint).join('\n');
  assert.doesNotMatch(text, /active/);
});

test('where there is no terminal a line says the same', () => {
  assert.equal(
    renderLabLine({ ...FRAME, isDown: true }),
    'lb01 ○ frozen (cut)  lb02 ● active  client: 12,345 answered, 720 failed, longest gap 3,601 ms, fails now',
  );
});
