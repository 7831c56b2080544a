/** Which fields of a request do not go to servers: a table by F_ number, made once for each route. */
import { droppedIds } from '../../wire/http1/emit.ts';
import {
  F_CLIENT_CLAIM,
  F_CONTENT_LENGTH,
  F_EXPECT,
  F_HOST,
  F_PROXY_CLAIM,
  F_X_FORWARDED_FOR,
  F_X_FORWARDED_HOST,
  F_X_FORWARDED_PROTO,
  F_X_REQUEST_ID,
} from '../../wire/http1/head.ts';
import { HOP_BY_HOP } from './hop-by-hop.ts';

/** Fields that the proxy adds itself, in place of those that are there. */
export interface AddedFields {
  /** Whatever a client says of itself goes to servers. */
  readonly passesClaims: boolean;
  readonly addsForwardedFor: boolean;
  readonly addsForwardedProto: boolean;
  readonly addsForwardedHost: boolean;
  readonly addsRequestId: boolean;
  /** What is sent in place of what came; null: nothing is. */
  readonly send: { readonly dropsFields: boolean; readonly dropsBody: boolean } | null;
}

/** Whatever the route. */
const DROPPED = droppedIds(...HOP_BY_HOP);

/** By what they are made of: nearly all routes have the same ones. */
const tables: (Uint8Array | undefined)[] = [];

/** `isTrusted`: of a request that a trusted proxy sent. The table is for reading. */
export function requestDropTable(added: AddedFields, isTrusted: boolean): Uint8Array {
  const { passesClaims, addsForwardedFor, addsForwardedProto, addsForwardedHost, addsRequestId, send } = added;
  const traits = [passesClaims, addsForwardedFor, addsForwardedProto, addsForwardedHost, addsRequestId, isTrusted];
  traits.push(send?.dropsFields === true, send?.dropsBody === true);
  const key = traits.reduce((bits, trait) => bits * 2 + Number(trait), 0);
  return (tables[key] ??= makeTable(added, isTrusted));
}

function makeTable(added: AddedFields, isTrusted: boolean): Uint8Array {
  const table = DROPPED.slice();
  if (added.send?.dropsFields === true) {
    table.fill(1);
    table[F_HOST] = table[F_CONTENT_LENGTH] = table[F_EXPECT] = 0;
  }
  if (added.send?.dropsBody === true) table[F_CONTENT_LENGTH] = table[F_EXPECT] = 1;
  if (!added.passesClaims) table[F_CLIENT_CLAIM] = 1;
  if (!added.passesClaims && !isTrusted) table[F_PROXY_CLAIM] = 1;
  if (added.addsForwardedFor) table[F_X_FORWARDED_FOR] = 1;
  if (added.addsForwardedProto) table[F_X_FORWARDED_PROTO] = 1;
  if (added.addsForwardedHost) table[F_X_FORWARDED_HOST] = 1;
  if (added.addsRequestId) table[F_X_REQUEST_ID] = 1;
  return table;
}
