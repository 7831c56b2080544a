/** That an expression matched: what its groups captured stays, the named ones as variables. */
import type { CapturingRegex } from '../../base/regex/regex.ts';
import type { RequestView } from './request-view.ts';
import { variableNumber } from './variables.ts';

/** `regex` has just matched in the `length` bytes at `at`. */
export function keepMatch(
  { groups, groupNames }: CapturingRegex,
  { variables }: RequestView,
  bytes: Uint8Array,
  at: number,
  length: number,
): void {
  if (groups.length > 2) variables.captures.keep(bytes, at, length, groups);
  if (groupNames.size === 0) return;
  for (const [name, group] of groupNames) {
    const start = Math.max(0, groups[group * 2]);
    const end = groups[group * 2] < 0 ? 0 : groups[group * 2 + 1];
    variables.set(variableNumber(name), bytes, at + start, end - start);
  }
}
