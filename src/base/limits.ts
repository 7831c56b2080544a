/** Every bound of the program, with its reason. Configuration can only go below the ones marked MAX. */

/** A received slot. 32 KiB: a bulk relay over 32 such slots costs as much as nginx; over a 64 MiB arena, 60 % more. */
export const LARGE_SLOT_BYTES = 32 * 1024;
/** What one waiting request or one half-sent head keeps. Most requests are under 1 KiB. */
export const SMALL_SLOT_BYTES = 2 * 1024;
/** The same of one with cookies or tokens: what nginx allows by default (large_client_header_buffers). */
export const MEDIUM_SLOT_BYTES = 8 * 1024;
/** Room in front of received bytes for a rebuilt head, which is seldom more than 200 bytes longer than the old one. */
export const HEADROOM = 512;
/** Room behind received bytes for the CR LF that ends a chunk. */
export const TAILROOM = 64;

/** Large slots of one proxy: 256 MiB of address space, resident only where used. */
export const LARGE_SLOTS = 8192;
/**
 * Small slots of one proxy: 64 MiB of address space, resident only where used. There are half as many medium ones (128 MiB) and
 * a sixteenth of slots for the largest heads (144 MiB).
 */
export const SMALL_SLOTS = 32768;
/**
 * What OpenSSL keeps for half a record, and how many of these there may be in one proxy: 272 MiB. A handshake that is not done counts
 * as three of them (docs/limits.md).
 */
export const FOREIGN_BYTES = 17 * 1024;
export const FOREIGN_COUNT = 16_384;
export const HANDSHAKE_PIECES = 3;
/**
 * One of which a message may be long: OpenSSL makes room for what the peer announces, up to 128 KiB of a hello, and 100 KB of certificates. Hellos that were read
 * are shorter.
 */
export const LONG_HANDSHAKE_PIECES = 9;
/** Handshakes of one proxy that have begun and are not done. For one more an old one is given up (proxy/tls/handshake-gate.ts). */
export const HANDSHAKES_MAX = 2048;
/**
 * Bodies that one proxy compresses at the same time: 268 KiB each by deflate, up to 1.5 MiB by Brotli. What comes besides is not
 * compressed.
 */
export const GZIP_STREAMS_MAX = 256;
export const BROTLI_STREAMS_MAX = 64;
/** Large slots that the kernel may fill before the proxy looks. 32 of 32 KiB stay in a 1 MiB second-level cache. */
export const POSTED_SLOTS = 64;
/** Segments that wait on one socket: one in flight and one behind it keep the wire busy; more only hold memory. */
export const SEND_SEGMENTS_MAX = 4;

/** The largest datagram (65,507 bytes over IPv4), and in front of it what the kernel tells of it. */
export const DATAGRAM_BUFFER_BYTES = 66 * 1024;
/** Datagrams that the kernel may hand over before the proxy looks. */
export const DATAGRAMS_POSTED = 128;
/** Those, and what came in two turns: 33 MiB of address space, resident only where used. */
export const DATAGRAM_BUFFERS = 512;

/**
 * Bytes that wait unsent in the kernel for a peer that does not take them (TCP_NOTSENT_LOWAT). A socket is writable again when
 * less than half of it waits, and then a whole slot fits: what a socket that is writable is given never waits here.
 */
export const UNSENT_BYTES_MAX = 2 * LARGE_SLOT_BYTES;
/**
 * The same of a peer that has taken PROVING_BYTES, while memory is plenty. With 64 KiB each, 64 streams of bulk cost up to 40 %
 * more: the queues run empty, so that segments are smaller, and sends wait.
 */
export const UNSENT_BYTES_MAX_PROVEN = 1024 * 1024;
export const PROVING_BYTES = 256 * 1024;

/**
 * What the kernel keeps for us of a peer that we do not receive from, when memory is tight (SO_RCVBUF; the kernel doubles it).
 * Otherwise the kernel finds it by itself, up to net.ipv4.tcp_rmem.
 */
export const NARROW_RECEIVE_BYTES = 32 * 1024;

/** Connections of one proxy, both sides. The index has 20 bits in io_uring's user_data. */
export const SOCKETS_MAX = 1 << 20;

/** Kerberos tickets (48,000 bytes at most by default, in base64) and large tokens need as much; IIS takes no more either. */
export const HEAD_BYTES_MAX = 64 * 1024;
/** A slot for the largest head and what is added to it. */
export const HEAD_SLOT_BYTES = HEAD_BYTES_MAX + 8 * 1024;
/** nginx allows 1000 since 1.29; Apache 100. */
export const HEADER_COUNT_MAX = 1000;
/** Fields that Connection names as this hop's own: each is looked for among all fields. Clients name one or two. */
export const NOMINATIONS_MAX = 32;
/** A chunk-size line: 16 hex digits are more than a file system holds; the rest is for extensions. */
export const CHUNK_LINE_BYTES_MAX = 256;
/** A trailer section. */
export const TRAILER_BYTES_MAX = 4 * 1024;

/** A route's fixed answer, with its Content-Type: it leaves in one slot with its head. Larger pages belong on a server. */
export const RESPOND_BODY_BYTES_MAX = 24 * 1024;
/** The lines that a route adds to responses: they fit one slot with the largest head that a server may send. */
export const RESPONSE_EDIT_BYTES_MAX = 4 * 1024;
/** A request's body of which a text says what is in it; it has to have room in what a route adds to a response. */
export const BODY_COPY_BYTES_MAX = 2 * 1024;
/** The pseudonym in Via, for the same reason. */
export const VIA_BYTES_MAX = 255;

/** Kinds of answers that the proxy gives by itself: a counter each on the status board. */
export const ANSWER_KINDS_MAX = 112;
export const WORKERS_MAX = 64;
export const LISTENERS_MAX = 1024;
/** Server slots of one configuration: each is 64 bytes on the status board and a counter row per worker. */
export const SERVER_SLOTS_MAX = 16384;
/** Addresses used of one name. */
export const ADDRESSES_PER_NAME_MAX = 16;
/** The same of a service (DNS SRV): each instance of it is a server. */
export const ADDRESSES_PER_SERVICE_MAX = 64;
/** Witnesses of one virtual router: each is asked several times a second. An odd handful decides as well. */
export const WITNESSES_MAX = 16;
/** Virtual routers of one node: as many as the vip process's board has room for. */
export const ROUTERS_MAX = 1022;
/** Interfaces with virtual addresses: six sockets each, of the 4,096 descriptors that the vip process waits for. */
export const HELD_INTERFACES_MAX = 512;
/** What one node announces: each is a machine of its own. */
export const ANNOUNCEMENTS_MAX = 64;
/** Addresses of one announcement: all are given to the kernel in one turn, several times in their life. */
export const ANNOUNCED_ADDRESSES_MAX = 256;
/** Addresses of one virtual router: all are put there, and told to the segment, between two adverts. */
export const HELD_ADDRESSES_MAX = 1000;
/** Copies of requests under way in one proxy, and how long each may take. */
export const COPIES_MAX = 128;
export const COPY_MS_MAX = 30_000;
/** How often the drivers look at their timers, and the precision of every timeout. */
export const TICK_MS = 50;
/** A proxy whose time to finish is over ends what is left, and has so long for last answers and the last lines of access logs. */
export const LAST_WORDS_MS = 1000;

/** Of adverts with at most so many addresses a filter in the kernel can tell a wrong checksum: its program is of bounded length. */
export const SUMMED_ADDRESSES_MAX = 64;
