/** The layout of frames (RFC 9113 sections 3.4, 4.1 and 6): types, flags, sizes. */
import { ascii } from '../http1/classes.ts';

/** What a client sends before its first frame. */
export const PREFACE: Uint8Array = ascii('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const FRAME_HEADER_BYTES = 9;
/** The largest payload of a frame that is taken, and the largest that may be sent before the peer allows more. */
export const FRAME_BYTES_MAX = 16_384;
/** What a peer may allow at most. */
export const FRAME_BYTES_LIMIT = 0xff_ffff;
/** Stream ids, windows and their increments have 31 bits. */
export const INT31_MAX = 0x7fff_ffff;

export const FRAME_DATA = 0x0;
export const FRAME_HEADERS = 0x1;
export const FRAME_PRIORITY = 0x2;
export const FRAME_RST_STREAM = 0x3;
export const FRAME_SETTINGS = 0x4;
export const FRAME_PUSH_PROMISE = 0x5;
export const FRAME_PING = 0x6;
export const FRAME_GOAWAY = 0x7;
export const FRAME_WINDOW_UPDATE = 0x8;
export const FRAME_CONTINUATION = 0x9;

/** DATA and HEADERS. */
export const FLAG_END_STREAM = 0x1;
/** SETTINGS and PING. */
export const FLAG_ACK = 0x1;
/** HEADERS and CONTINUATION. */
export const FLAG_END_HEADERS = 0x4;
/** DATA and HEADERS. */
export const FLAG_PADDED = 0x8;
/** HEADERS. */
export const FLAG_PRIORITY = 0x20;

export const PRIORITY_BYTES = 5;
export const RST_STREAM_BYTES = 4;
export const SETTING_BYTES = 6;
export const PING_BYTES = 8;
/** Without debug data. */
export const GOAWAY_BYTES = 8;
export const WINDOW_UPDATE_BYTES = 4;
