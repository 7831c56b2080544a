/** Who runs a command, for the log of the one that it is told to. */
import { userInfo } from 'node:os';

/** Behind sudo: the one who became root. */
export function userName(): string {
  const became = process.env['SUDO_USER'];
  if (became !== undefined && became !== '') return became;
  try {
    return userInfo().username;
  } catch {
    // A uid without a name.
    return String(process.getuid?.() ?? 'somebody');
  }
}
