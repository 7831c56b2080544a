/** Keys of a terminal, one by one and without echo. */

export const CTRL_C = '\u0003';

/** Calls `onKey` for each until the returned function gives the terminal back as it was. That may be called again. */
export function readKeys(onKey: (key: string) => void): () => void {
  const { stdin } = process;
  const handle = (keys: string): void => {
    // What begins with an escape is one key: an arrow, say.
    if (keys.startsWith('\u001b')) onKey(keys);
    else for (const key of keys) onKey(key);
  };
  stdin.setEncoding('utf8');
  stdin.setRawMode(true);
  stdin.on('data', handle);
  return () => {
    stdin.off('data', handle);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

/** What a key is called: a letter, or that it has none. */
export function keyName(key: string): string {
  return /^[!-~]$/.test(key) ? `\`${key}\`` : 'that key';
}
