import type { Context } from '../context.ts';
import type { MessageReader } from './message-reader.ts';

const CR = 13;
const LF = 10;
/** `HEAD ` */
const HEAD_SPACE = [72, 69, 65, 68, 32];

/** What has come of a request that is refused begins with HEAD, as far as one can tell: its answer has no body. */
export function looksLikeHead({ arena, memory }: Context, reader: MessageReader): boolean {
  const { stash } = reader;
  let at = reader.offset;
  let end = at + reader.length;
  if (stash !== null && !stash.isEmpty) {
    at = arena.start(stash.slot);
    end = at + stash.length;
  }
  while (at < end && (memory[at] === CR || memory[at] === LF)) at++;
  if (end - at < HEAD_SPACE.length) return false;
  for (let i = 0; i < HEAD_SPACE.length; i++) if (memory[at + i] !== HEAD_SPACE[i]) return false;
  return true;
}
