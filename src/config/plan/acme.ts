/** A certificate that an authority is asked for, as the keeper needs it. */
import { DEFAULTS } from '../model/defaults.ts';
import type { Loose } from '../model/config.ts';
import type { AcmeConfig } from '../model/acme.ts';
import { listOf } from '../model/parts.ts';

export type AcmeChallenge = 'http-01' | 'tls-alpn-01' | 'dns-01';

export interface AcmePlan {
  /** Lower case, at least one. */
  readonly names: readonly string[];
  /** Its URL. */
  readonly directory: string;
  /** A file with those who may have issued the directory's own certificate. Null: whom Node trusts. */
  readonly ca: string | null;
  readonly email: string | null;
  readonly challenge: AcmeChallenge;
  /** Of dns-01. Null: none. */
  readonly program: readonly string[] | null;
  /** Who runs it: the first that there is. Null: the default ones. */
  readonly users: readonly string[] | null;
  readonly binding: { readonly keyId: string; readonly keyFile: string } | null;
}

/** `whole`: the absolute path of one that is written. Null: what there is of it is not enough. */
export function compileAcme(acme: Loose<AcmeConfig>, whole: (path: string) => string): AcmePlan | null {
  const { names, directory, ca, email, challenge, program, user, eab } = acme;
  if (names === undefined) return null;
  const { 'key-id': keyId, 'key-file': keyFile } = eab ?? {};
  return {
    names: [...new Set(listOf(names).map((name) => name.toLowerCase()))],
    directory: directory ?? DEFAULTS.acme.directory,
    ca: ca === undefined ? null : whole(ca),
    email: email ?? null,
    challenge: challenge ?? DEFAULTS.acme.challenge,
    program: program === undefined ? null : listOf(program),
    users: user === undefined ? null : listOf(user),
    binding: keyId === undefined || keyFile === undefined ? null : { keyId, keyFile: whole(keyFile) },
  };
}
