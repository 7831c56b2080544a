/**
 * A bug ends the process. Assertions stay on in production: what a peer sends is never asserted, only what this program
 * promised itself.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}
