/** What one peer of HTTP/2 may cost, client or server, and where each number comes from. */

/** Requests of one connection at the same time. HAProxy's and nginx's neighbours in practice: 100 and 128. */
export const STREAMS_MAX = 100;
/** The same on one connection to a server, if that takes as many: with more, what one connection suffers would be too many requests' matter. */
export const SERVER_STREAMS_MAX = 100;

/** What a stream's client may send before it is told that something was taken: the value of RFC 9113, which needs no setting. */
export const STREAM_WINDOW_BYTES = 65_535;
/** To so much the window of a stream grows whose server takes what comes: 100 Mbit/s over 80 ms. */
export const STREAM_WINDOW_BYTES_MAX = 1024 * 1024;
/** The same of a connection, from its beginning. */
export const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** So much of bodies may wait for servers until the window of the connection shrinks by what waits: with that, twice as much at most. */
export const HELD_BYTES_FREE = 1024 * 1024;

/** CONTINUATION frames of one header block (CVE-2024-27316 and its like). nghttp2: 8. */
export const CONTINUATIONS_MAX = 8;

/**
 * Streams that end with a reset, whoever sends it: the client because it likes to (rapid reset, CVE-2023-44487), or we because of what the client
 * did (MadeYouReset, CVE-2025-8671). As nghttp2 has it: so many at once, and so many a second.
 */
export const RESETS_AT_ONCE = 1000;
export const RESETS_PER_SECOND = 33;

/** Frames that carry nothing of a message: PING, SETTINGS, PRIORITY, those of unknown types, WINDOW_UPDATE. As nghttp2 counts what is odd. */
export const IDLE_FRAMES_AT_ONCE = 10_000;
export const IDLE_FRAMES_PER_SECOND = 330;
/** A frame of a body, or a header block, with nothing in it costs as many. */
export const EMPTY_FRAME_COST = 10;
/** SETTINGS, and each setting of it (CVE-2020-11080), changes what is said to every stream, and costs as many. */
export const SETTINGS_COST = 10;
/** With each frame of a body that it is sent a client may say so often more that it has room. */
export const WINDOW_FRAMES_PER_DATA = 4;

/**
 * nginx: bytes of frames that are more than 8 times what they carry, beyond so many, are a flood. In both directions together: who is sent much says
 * often that it has room.
 */
export const OVERHEAD_RATIO = 8;
export const OVERHEAD_BYTES_FREE = 1024 * 1024;
