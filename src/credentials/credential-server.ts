/**
 * HTTP for the proxies: each request names a check, and is answered 204 if it comes with what proves who asks, with what is known of that in fields, 401 if not, 429 if
 * that client has guessed wrong too often. What is not understood is 500, by which nobody enters.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { NoteLog } from '../base/note-log.ts';
import {
  CHECK_FIELD,
  CLAIM_FIELD,
  CLIENT_FIELD,
  type CredentialCheck,
  MARK,
  type PasswordCheck,
  REALM_FIELD,
  TOKEN_FIELD,
  type TokenCheck,
  TOO_MANY_GUESSES,
  USER_FIELD,
} from '../config/plan/credentials.ts';
import { parseBasic, parseBearer } from './authorization.ts';
import { hashFault } from './hash-faults.ts';
import { clientOf } from './guesses.ts';
import type { HashThreads } from './hash-threads.ts';
import { type KeySet, parseKeySet } from './key-set.ts';
import { FixedKeys, RemoteKeys } from './key-source.ts';
import { Passwords } from './passwords.ts';
import { checkToken } from './tokens.ts';
import { parseUsers, type Users } from './user-file.ts';

/** A proxy's own limits are below that. */
const HEAD_BYTES_MAX = 128 * 1024;

export interface CredentialServerOptions {
  readonly threads: HashThreads;
  /** Who may ask. */
  readonly isPeer: (socket: Socket) => boolean;
  readonly connectionsMax: number;
  readonly log: NoteLog;
  /** Of a URL. Rejects with a reason for people. */
  readonly readText: (url: string) => Promise<string>;
}

/** What decides of one check. */
type Door = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export class CredentialServer {
  readonly server: Server;
  private readonly options: CredentialServerOptions;
  private readonly passwords: Passwords;
  private doors: ReadonlyMap<string, Door> = new Map();
  /** Those of the plan before, for requests that were on their way. */
  private former: ReadonlyMap<string, Door> = new Map();
  /** By URL: what is known of a place stays when something else changes. */
  private remotes: ReadonlyMap<string, RemoteKeys> = new Map();

  constructor(options: CredentialServerOptions) {
    const { connectionsMax, isPeer, log, threads } = options;
    this.options = options;
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
    const urls = new Set(checks.map((check) => (check.kind === 'token' ? check.url : null)));
    this.remotes = new Map(
      [...urls].flatMap((url) => (url === null ? [] : [[url, this.remotes.get(url) ?? this.remoteAt(url)] as const])),
    );
    this.former = this.doors;
    this.doors = new Map(
      checks.map((check) => [check.key, check.kind === 'password' ? this.passwordDoor(check) : this.tokenDoor(check)]),
    );
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = fieldOf(request, CHECK_FIELD) ?? '';
    const door = this.doors.get(key) ?? this.former.get(key);
    if (door === undefined) response.writeHead(500);
    else await door(request, response);
    response.end();
  }

  private passwordDoor({ text }: PasswordCheck): Door {
    const users = usableOf(parseUsers(text));
    return async (request, response) => {
      const said = parseBasic(request.rawHeaders);
      const client = clientOf(fieldOf(request, CLIENT_FIELD) ?? '');
      const decision = said === null ? 'wrong' : await this.passwords.check(users, { client, ...said });
      if (decision === 'right') response.writeHead(204, { [USER_FIELD]: said!.name });
      else if (decision === 'too-many') response.writeHead(TOO_MANY_GUESSES);
      else {
        const realm = unmarked(fieldOf(request, REALM_FIELD) ?? '').replace(/["\\]/g, '\\$&');
        response.writeHead(401, { 'WWW-Authenticate': `Basic realm="${realm}"` });
      }
    };
  }

  private tokenDoor(check: TokenCheck): Door {
    const { file, url } = check;
    const source = url === null ? new FixedKeys(keysOfFile(file?.text ?? '')) : this.remotes.get(url)!;
    return async (request, response) => {
      const given = fieldOf(request, TOKEN_FIELD);
      const token = given === null ? parseBearer(request.rawHeaders) : unmarked(given);
      const hasNone = token === null || token === '';
      const decision = hasNone ? NO_TOKEN : await checkToken(token, source, check, Date.now());
      if (decision.kind === 'right')
        response.writeHead(204, Object.fromEntries(decision.claims.map((text, i) => [`${CLAIM_FIELD}${i}`, text])));
      else if (decision.kind === 'unknown') response.writeHead(500);
      else {
        const why = hasNone ? '' : ` error="invalid_token", error_description="${decision.reason}"`;
        response.writeHead(401, { 'WWW-Authenticate': `Bearer${why}` });
      }
    };
  }

  private remoteAt(url: string): RemoteKeys {
    const { log, readText } = this.options;
    return new RemoteKeys({
      read: async () => parseKeySet(await readText(url), false),
      now: () => performance.now(),
      onFailure: (reason) => log.note(`keys of ${url} cannot be read: ${reason}`),
      onRecovery: () => log.note(`keys of ${url} can be read again`),
    });
  }
}

const NO_TOKEN = { kind: 'wrong', reason: '' } as const;

/** Null: it is not there. */
function fieldOf({ headers }: IncomingMessage, name: string): string | null {
  const value = headers[name.toLowerCase()];
  return value === undefined ? null : String(value);
}

function unmarked(text: string): string {
  return text.slice(MARK.length, -MARK.length);
}

/** Nobody comes by what takes for ever, and nothing waits for that. */
function usableOf(users: Users): Users {
  return new Map([...users].filter(([, hash]) => hashFault(hash, true) === null));
}

/** What cannot be used has been refused when the configuration was read. */
function keysOfFile(text: string): KeySet | null {
  try {
    return parseKeySet(text, true);
  } catch {
    return null;
  }
}
