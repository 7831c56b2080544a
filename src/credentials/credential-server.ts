/**
 * HTTP for the proxies: each request names a check, and is answered 204 if it comes with what proves who asks, with the name in a field, 401 if not, 429 if
 * that client has guessed wrong too often. What is not understood is 500, by which nobody enters.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { NoteLog } from '../base/note-log.ts';
import {
  CHECK_FIELD,
  CLIENT_FIELD,
  type CredentialCheck,
  REALM_FIELD,
  REALM_MARK,
  TOO_MANY_GUESSES,
  USER_FIELD,
} from '../config/plan/credentials.ts';
import { parseBasic } from './basic.ts';
import { hashFault } from './hash-faults.ts';
import { clientOf } from './guesses.ts';
import type { HashThreads } from './hash-threads.ts';
import { Passwords } from './passwords.ts';
import { parseUsers, type Users } from './user-file.ts';

/** A proxy's own limits are below that. */
const HEAD_BYTES_MAX = 128 * 1024;

export class CredentialServer {
  readonly server: Server;
  private readonly passwords: Passwords;
  private users: ReadonlyMap<string, Users> = new Map();
  /** Those of the plans before, for requests that were on their way. */
  private former: ReadonlyMap<string, Users> = new Map();

  /** `isPeer`: who may ask. */
  constructor(threads: HashThreads, isPeer: (socket: Socket) => boolean, connectionsMax: number, log: NoteLog) {
    const hash = (password: Uint8Array, text: string): Promise<boolean> => threads.isPassword(password, text);
    this.passwords = new Passwords(hash, threads.count, () => performance.now());
    this.server = createServer({ maxHeaderSize: HEAD_BYTES_MAX, keepAliveTimeout: 0, requestTimeout: 0 });
    this.server.headersTimeout = 0;
    this.server.maxHeadersCount = 0;
    this.server.maxConnections = connectionsMax;
    this.server.on('connection', (socket: Socket) => {
      if (!isPeer(socket)) socket.destroy();
    });
    this.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      request.resume();
      response.sendDate = false;
      this.answer(request, response).catch((error: unknown) => {
        log.note(`cannot answer: ${(error as Error).message}`);
        response.destroy();
      });
    });
    this.server.on('clientError', (_, socket) => socket.destroy());
  }

  /** From now on these hold. */
  apply(checks: readonly CredentialCheck[]): void {
    this.former = this.users;
    this.users = new Map(checks.map(({ key, users }) => [key, usableOf(parseUsers(users))]));
  }

  private async answer({ headers, rawHeaders }: IncomingMessage, response: ServerResponse): Promise<void> {
    const field = (name: string): string => String(headers[name.toLowerCase()] ?? '');
    const key = field(CHECK_FIELD);
    const users = this.users.get(key) ?? this.former.get(key);
    if (users === undefined) {
      response.writeHead(500).end();
      return;
    }
    const said = parseBasic(rawHeaders);
    const client = clientOf(field(CLIENT_FIELD));
    const decision = said === null ? 'wrong' : await this.passwords.check(users, { client, ...said });
    if (decision === 'right') response.writeHead(204, { [USER_FIELD]: said!.name });
    else if (decision === 'too-many') response.writeHead(TOO_MANY_GUESSES);
    else response.writeHead(401, { 'WWW-Authenticate': `Basic realm="${quoted(field(REALM_FIELD))}"` });
    response.end();
  }
}

/** Nobody comes by what takes for ever, and nothing waits for that. */
function usableOf(users: Users): Users {
  return new Map([...users].filter(([, hash]) => hashFault(hash, true) === null));
}

/** As it stands in a quoted-string (RFC 9110, section 5.6.4). */
function quoted(marked: string): string {
  return marked.slice(REALM_MARK.length, -REALM_MARK.length).replace(/["\\]/g, '\\$&');
}
