import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOfLab, runTool } from './system.ts';

test('who cannot have a lab is told why', () => {
  assert.equal(refusalOfLab('linux', 0), null);
  assert.match(refusalOfLab('linux', 1000)!, /need root/);
  assert.match(refusalOfLab('darwin', 0)!, /Linux only/);
});

test('a tool that fails says what it was asked and what it said', async () => {
  await assert.rejects(runTool('sh', ['-c', 'echo broken >&2; exit 3']), /^LabError: sh -c .*: broken$/);
});

test('a tool that is missing is named', async () => {
  await assert.rejects(runTool('evenkeel-no-such-tool', []), /evenkeel-no-such-tool is missing/);
});
