/** Fields that concern one connection and are never passed on: RFC 9110 section 7.6.1. */
import {
  F_CONNECTION,
  F_HTTP2_SETTINGS,
  F_KEEP_ALIVE,
  F_NOMINATED,
  F_PROXY_CONNECTION,
  F_TE,
  F_TRANSFER_ENCODING,
  F_UPGRADE,
} from '../../wire/http1/head.ts';

export const HOP_BY_HOP: readonly number[] = [
  F_CONNECTION,
  F_KEEP_ALIVE,
  F_PROXY_CONNECTION,
  F_TE,
  F_TRANSFER_ENCODING,
  F_UPGRADE,
  F_HTTP2_SETTINGS,
  F_NOMINATED,
];
