/** The bits that representations and strings begin with; the rest of their first byte is the prefix of an integer (RFC 7541 sections 5.2 and 6). */

export const INDEXED = 0x80;
export const INCREMENTAL = 0x40;
export const SIZE_UPDATE = 0x20;
export const NEVER_INDEXED = 0x10;
export const UNINDEXED = 0;
/** Of a string. */
export const HUFFMAN = 0x80;
