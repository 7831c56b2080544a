import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaFor } from './accept.ts';

const OFFERED = ['text/plain; version=0.0.4', 'application/openmetrics-text; version=1.0.0'] as const;
const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

test('the type that is liked best is answered, and the first one where nothing is said', () => {
  const [plain, open] = OFFERED;
  for (const [accept, media] of [
    [undefined, plain],
    ['', plain],
    ['*/*', plain],
    [PROMETHEUS, open],
    ['application/openmetrics-text', open],
    ['Application/OpenMetrics-Text; q=0.2, text/plain; q=0.1', open],
    ['application/openmetrics-text; q=0, */*', plain],
    ['application/*;q=0.9, text/*;q=0.8', open],
    ['text/html', plain],
    ['application/json, text/plain;q=0.5', plain],
  ] as const)
    assert.equal(mediaFor(accept, OFFERED), media, accept);
});
