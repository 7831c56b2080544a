/** What a client says in Authorization: basic authentication (RFC 7617), or a token of which it is the bearer (RFC 6750). */

export interface Basic {
  /** Each byte a character. */
  readonly name: string;
  readonly password: Uint8Array;
}

const COLON = 0x3a;

/** `fields`: names and values in turn. Null: it says nothing of that kind, or not clearly what. */
export function parseBasic(fields: readonly string[]): Basic | null {
  const text = /^basic +([A-Za-z0-9+/]*={0,2})$/i.exec(authorizationOf(fields))?.[1];
  if (text === undefined) return null;
  const bytes = Buffer.from(text, 'base64');
  const colon = bytes.indexOf(COLON);
  if (colon < 0) return null;
  const name = bytes.toString('latin1', 0, colon);
  return isFieldText(name) ? { name, password: Uint8Array.from(bytes.subarray(colon + 1)) } : null;
}

/** It goes on in a field, and is the same at the other end: spaces around it would be lost, and with them who it is. */
export function isFieldText(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return !/[\u0000-\u001f\u007f]|^ | $/.test(text);
}

/** Likewise. */
export function parseBearer(fields: readonly string[]): string | null {
  return /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorizationOf(fields))?.[1] ?? null;
}

function authorizationOf(fields: readonly string[]): string {
  const said = fields.filter((_, i) => i % 2 === 1 && fields[i - 1].toLowerCase() === 'authorization');
  // of two, the server may read the other one
  return said.length === 1 ? said[0] : '';
}
