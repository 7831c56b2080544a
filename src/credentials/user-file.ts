/**
 * A file of users and what proves them, as htpasswd(1) writes it: `name:hash` a line, perhaps with a comment behind another colon. Read as nginx
 * reads it (`ngx_http_auth_basic_module`): what cannot be understood is a user who cannot come, and of two with the same name the first counts.
 */

/** By name, each byte a character. */
export type Users = ReadonlyMap<string, string>;

/** `text`: each byte a character (latin1), so that names are compared byte by byte. */
export function parseUsers(text: string): Users {
  const users = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0 || line.startsWith('#') || line.startsWith('\r')) continue;
    const name = line.slice(0, colon);
    const [hash] = /^[^\r:#]*/.exec(line.slice(colon + 1)) as RegExpExecArray;
    if (!users.has(name)) users.set(name, hash);
  }
  return users;
}
