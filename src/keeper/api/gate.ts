/**
 * Who may ask over TCP on loopback, where every program of the machine comes from, and every page that a browser on it shows. A page is
 * told by what browsers add: a Host that is no name of this machine (its name was bound to 127.0.0.1), an Origin, a Sec-Fetch-Site. There
 * are no cookies, so that no page has the right of whoever looks at it. In TLS the Host says nothing: a page of another name has no certificate
 * for it. Off loopback nobody sees anything without a token.
 */
import { isLoopback, parseIPv4, parseIPv6 } from '../../base/address.ts';
import type { Access } from '../../api/operations.ts';
import type { Admission } from './app.ts';
import { findToken, type TokenRecord } from './tokens.ts';

export interface GateRequest {
  readonly hasTls: boolean;
  readonly isLoopback: boolean;
  readonly access: Access;
  /** Null: the header field is not there. */
  readonly host: string | null;
  readonly origin: string | null;
  readonly fetchSite: string | null;
  readonly authorization: string | null;
}

/** `readTokens` throws the reason if they cannot be read. */
export function admit(request: GateRequest, readTokens: () => readonly TokenRecord[]): Admission {
  const { hasTls, isLoopback: isHere, access, host, authorization } = request;
  if (!hasTls && (host === null || !isOwnHost(host))) {
    return { status: 403, why: 'Host names another machine: write localhost, or an address of loopback' };
  }
  if (isFromPage(request)) return { status: 403, why: 'a page of another site may not ask here' };
  if (access === 'open') return { name: null };
  if (authorization === null) {
    if (access === 'read' && isHere) return { name: null };
    return {
      status: 401,
      why: 'a token is needed: `evenkeel token add`, and the header field Authorization: Bearer <token>',
    };
  }
  const token = /^Bearer +([\x21-\x7e]{1,200})$/i.exec(authorization);
  if (token === null) return { status: 401, why: 'write Authorization: Bearer <token>' };
  let tokens: readonly TokenRecord[];
  try {
    tokens = readTokens();
  } catch (error) {
    return { status: 403, why: `the tokens cannot be read: ${(error as Error).message}` };
  }
  const record = findToken(tokens, token[1]);
  if (record === null) return { status: 401, why: 'there is no such token' };
  if (access === 'write' && record.right !== 'full') {
    return { status: 403, why: `the token ${record.name} may read, and change nothing` };
  }
  return { name: `token ${record.name}` };
}

/** Whatever the port: of a tunnel, it is another one. */
function isOwnHost(text: string): boolean {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::[0-9]{1,5})?$/.exec(text);
  if (match === null) return false;
  const [, v6, other = ''] = match as readonly (string | undefined)[];
  if (v6 !== undefined) return parseIPv6(v6) !== null && isLoopback({ family: 6, host: v6, port: 0 });
  if (other.toLowerCase() === 'localhost') return true;
  return parseIPv4(other) !== null && isLoopback({ family: 4, host: other, port: 0 });
}

function isFromPage({ host, origin, fetchSite }: GateRequest): boolean {
  if (fetchSite !== null && fetchSite !== 'same-origin' && fetchSite !== 'none') return true;
  return origin !== null && origin.replace(/^https?:\/\//, '') !== host;
}
