/** What the keeper and a process that proxies ask say to each other, a line of JSON each, and what that process inherits. */
import type { CredentialCheck } from '../../config/plan/credentials.ts';
import type { FileSite } from '../../config/plan/files.ts';
import { parseObject } from '../../port/control.ts';
import type { ProcessUser } from '../../port/host.ts';

/** The listening socket that the proxies connect to. */
export const LISTEN_DESCRIPTOR = 3;

export interface OwnServerArguments {
  /** Whom it becomes. Null: it stays who it is. */
  readonly user: ProcessUser | null;
  /** The users that may connect: whom the proxies run as. */
  readonly peers: readonly number[];
}

/** From now on there are these. */
export interface KeeperToFiles {
  readonly sites: readonly FileSite[];
}

export interface KeeperToCredentials {
  readonly checks: readonly CredentialCheck[];
}

export type OwnServerToKeeper = { readonly type: 'applied' } | { readonly type: 'log'; readonly message: string };

/** Null: it is none of them. */
export function parseOwnServerToKeeper(line: string): OwnServerToKeeper | null {
  const value = parseObject(line);
  if (value === null) return null;
  const { type, message } = value;
  if (type === 'applied') return { type };
  return type === 'log' && typeof message === 'string' ? { type, message } : null;
}
