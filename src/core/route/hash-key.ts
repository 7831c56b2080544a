/** The 32-bit key a request is balanced by. */
import type { HashKeyPlan } from '../../config/plan.ts';
import { hashBytes } from '../../base/hash.ts';
import type { RequestHead } from '../../wire/http1/head.ts';

export function hashKey(bytes: Uint8Array, head: RequestHead, plan: HashKeyPlan): number {
  void plan;
  return hashBytes(bytes, head.path, head.pathLength, 0);
}
