/**
 * Passwords and tokens that evenkeel knows itself. What a route says of them is a check, which the `credentials` process knows by its key: whether a request may
 * go on is asked of that process as of any other server, with fields that say which check, and who asks.
 */
import { keyOfPart } from './part-key.ts';

/** No upstream of a configuration can have this name. */
export const CREDENTIALS_UPSTREAM = '(credentials)';
/** What the keeper puts the real one in the place of: it is another one for each keeper. */
export const CREDENTIALS_ADDRESS = '@evenkeel-credentials';

export const CHECK_FIELD = 'Evenkeel-Check';
/** What a client is told that has to say who it is. The value stands between marks, so that spaces at its ends are part of it. */
export const REALM_FIELD = 'Evenkeel-Realm';
export const MARK = '|';
/** The address of who asks. */
export const CLIENT_FIELD = 'Evenkeel-Client';
/** The token, between marks likewise. Absent: it is in Authorization, as `Bearer`. */
export const TOKEN_FIELD = 'Evenkeel-Token';
/** Of the answer: who has been let in. */
export const USER_FIELD = 'Evenkeel-User';
/** Likewise, a claim; the number follows. */
export const CLAIM_FIELD = 'Evenkeel-Claim-';

/** Said by the process of a client that has guessed wrong too often. */
export const TOO_MANY_GUESSES = 429;

export interface CredentialsPlan {
  readonly checks: readonly CredentialCheck[];
}

export type CredentialCheck = PasswordCheck | TokenCheck;

/** The password of a user. */
export interface PasswordCheck {
  readonly key: string;
  readonly kind: 'password';
  /** The file that they come from. */
  readonly path: string;
  /** What it says, each byte a character: `name:hash` a line. */
  readonly text: string;
}

/** A token that somebody has signed (JWT, RFC 7519). */
export interface TokenCheck {
  readonly key: string;
  readonly kind: 'token';
  /** The keys that it may be signed with. Null: they are read at `url`. */
  readonly file: { readonly path: string; readonly text: string } | null;
  /** Set if and only if there is no `file`. */
  readonly url: string | null;
  /** Null: anybody may have made it. */
  readonly issuer: string | null;
  /** One of these has to be among those that it is for. Empty: it may be for anybody. */
  readonly audiences: readonly string[];
  /** By how much clocks may differ. */
  readonly leewayMs: number;
  /** What of it the request gets, in fields that are numbered so (`CLAIM_FIELD`). */
  readonly claims: readonly string[];
}

/** Of where keys are: it is no path. */
export function isUrl(text: string): boolean {
  return /^https?:/.test(text);
}

/** What files say that a configuration names, by their paths, each byte a character. */
export type CredentialFiles = ReadonlyMap<string, string>;

export const NO_CREDENTIAL_FILES: CredentialFiles = new Map();

/** The checks of a plan. Equal ones are one, whatever their files say: what a file says now counts for requests that are under way too. */
export class CredentialChecks {
  private readonly files: CredentialFiles;
  private readonly byKey = new Map<string, CredentialCheck>();

  constructor(files: CredentialFiles) {
    this.files = files;
  }

  /** The key. Nobody is known whose file has not been read. */
  addUsers(path: string): string {
    const key = keyOfPart({ path });
    this.byKey.set(key, { key, kind: 'password', path, text: this.textOf(path) });
    return key;
  }

  /** Likewise. `keys`: the path of a file, or a URL. */
  addTokens(keys: string, rest: Omit<TokenCheck, 'key' | 'kind' | 'file' | 'url'>): string {
    const key = keyOfPart({ keys, ...rest });
    const from = isUrl(keys) ? { file: null, url: keys } : { file: { path: keys, text: this.textOf(keys) }, url: null };
    this.byKey.set(key, { key, kind: 'token', ...from, ...rest });
    return key;
  }

  private textOf(path: string): string {
    return this.files.get(path) ?? '';
  }

  get all(): readonly CredentialCheck[] {
    return [...this.byKey.values()];
  }
}
