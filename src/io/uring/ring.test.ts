import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as abi from './abi.ts';
import { probeUring } from './probe.ts';
import { Ring } from './ring.ts';

test(
  'a submission is pending until the kernel has it, and none is that was pushed long ago',
  { skip: !probeUring().ok },
  () => {
    const ring = new Ring(1000, 8, 16);
    ring.push(abi.OP_NOP, -1, 0, 0, 0, 0, 1, 0, 0);
    const number = ring.lastNumber;
    assert.ok(ring.isPending(number));
    for (const ago of [1, 2, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1])
      assert.ok(!ring.isPending((number - ago) | 0), `${ago}`);
    ring.submit();
    assert.ok(!ring.isPending(number));
    ring.close();
  },
);
