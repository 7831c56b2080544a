/**
 * Passwords and tokens that evenkeel knows itself. What a route says of them is a check, which the `credentials` process knows by its key: whether a request may
 * go on is asked of that process as of any other server, with fields that say which check, and who asks.
 */

/** No upstream of a configuration can have this name. */
export const CREDENTIALS_UPSTREAM = '(credentials)';
/** What the keeper puts the real one in the place of: it is another one for each keeper. */
export const CREDENTIALS_ADDRESS = '@evenkeel-credentials';

export const CHECK_FIELD = 'Evenkeel-Check';
/** What a client is told that has to say who it is. The value stands between marks, so that spaces at its ends are part of it. */
export const REALM_FIELD = 'Evenkeel-Realm';
export const REALM_MARK = '|';
/** The address of who asks. */
export const CLIENT_FIELD = 'Evenkeel-Client';
/** Of the answer: who has been let in. */
export const USER_FIELD = 'Evenkeel-User';

/** Said by the process of a client that has guessed wrong too often. */
export const TOO_MANY_GUESSES = 429;

export interface CredentialsPlan {
  readonly checks: readonly CredentialCheck[];
}

/** The password of a user. */
export interface CredentialCheck {
  readonly key: string;
  readonly kind: 'basic';
  /** The file that they come from. */
  readonly path: string;
  /** What it says, each byte a character: `name:hash` a line. */
  readonly users: string;
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
    const key = `basic ${path}`;
    this.byKey.set(key, { key, kind: 'basic', path, users: this.files.get(path) ?? '' });
    return key;
  }

  get all(): readonly CredentialCheck[] {
    return [...this.byKey.values()];
  }
}
