/** What a proxy makes of a response: header fields, compression, pages of errors. */

export type CodingName = 'gzip' | 'br';

/** Of a response that may be kept by a proxy, what makes it one that is compressed for it. */
export type ProxiedReason =
  | 'any'
  | 'expired'
  | 'no-cache'
  | 'no-store'
  | 'private'
  | 'no-last-modified'
  | 'no-etag'
  | 'auth';

export interface CompressPlan {
  /** The one that a client prefers; of those that it likes as well, the first. */
  readonly codings: readonly CodingName[];
  /** 1..9 */
  readonly level: number;
  /** A response that says that it is shorter is left as it is. */
  readonly minBytes: number;
  /** Media types without parameters; `*`: any. */
  readonly types: readonly string[];
  /** For requests that came by a proxy (Via). Empty: none of them. */
  readonly proxied: readonly ProxiedReason[];
  /** Responses that would be compressed for others say `Vary: Accept-Encoding`. */
  readonly saysVary: boolean;
}

/** `keep-underscores`: a name that has nothing else but those is passed on. */
export type OddFields = 'pass' | 'drop' | 'keep-underscores';

export interface HeaderEditPlan {
  /** Replaces every field of that name. Names as written; compared without case. Values have values of the request in them. */
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
  /** What becomes of fields whose name has anything but letters, digits and hyphens; without it they are passed on. */
  readonly odd?: Exclude<OddFields, 'pass'>;
  /** Of a server's response, in their order. */
  readonly replace?: readonly ReplacePlan[];
  readonly cookieFlags?: readonly CookieFlagsPlan[];
  readonly expires?: ExpiresPlan;
}

/** How long a response that is no error may be kept. */
export interface ExpiresPlan {
  /** A template: its term in words (config/words/term.ts). */
  readonly after: string;
  /** It begins with the last change, not now. */
  readonly isModified: boolean;
}

export interface ReplacePlan {
  readonly field: string;
  /** Of a cookie. */
  readonly attribute: string | null;
  readonly kind: 'exact' | 'prefix' | 'regex';
  /** A template, or the expression. */
  readonly value: string;
  readonly by: string;
  readonly base: string;
}

export interface CookieFlagsPlan {
  /** One of both. */
  readonly name: string | null;
  readonly regex: string | null;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}
