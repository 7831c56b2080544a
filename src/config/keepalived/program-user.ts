/** Whom keepalived runs a program as. */
import type { Globals } from './draft.ts';

const FIRST_USER = 'keepalived_script';

/** `written`: at the program; null: nothing is. */
export function programUser({ scriptUser, isSecure }: Globals, written: string | null): string | readonly string[] {
  const user = written ?? scriptUser;
  if (user !== undefined) return user;
  return isSecure ? FIRST_USER : [FIRST_USER, 'root'];
}
