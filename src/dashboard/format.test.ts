import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { age, bytes, clock, duration, short } from './format.ts';

describe('numbers', () => {
  it('have three digits', () => {
    const numbers = [0, 0.01, 0.44, 5, 12.34, 123.4, 1234, 56_700, 7_890_000];
    assert.equal(numbers.map(short).join(' '), '0 <0.1 0.4 5 12.3 123 1.2k 56.7k 7.9M');
    assert.deepEqual([12, 1234].map(bytes), ['12 B', '1.2 kB']);
    assert.deepEqual([3, 1234].map(duration), ['3 ms', '1.2 s']);
  });

  it('of time have the largest unit that fits', () => {
    assert.deepEqual([null, 5, 12_000, 190_000, 7_200_000, 5e8].map(age), ['–', 'now', '12 s', '3 min', '2 h', '5 d']);
    const noon = new Date(2026, 10, 30, 12, 0, 5);
    assert.equal(clock(noon.toISOString(), noon.getTime()), '12:00:05');
    assert.equal(clock(noon.toISOString(), noon.getTime() + 86_400_000), '30 Nov 12:00:05');
  });
});
