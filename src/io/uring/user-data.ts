/**
 * The user data of a submission, which comes back with its completion: the operation and the index of its socket or listener
 * in the low word, the generation of the index in the high word.
 *
 * An index is not used again while an operation of its socket is in flight. The generation catches the report of a failed
 * cancellation, which may come later.
 */
import { SOCKETS_MAX } from '../../base/limits.ts';

export const ACCEPT = 1 << 20;
export const CONNECT = 2 << 20;
export const RECEIVE = 3 << 20;
export const SEND = 4 << 20;
export const CLOSE = 5 << 20;
/** A poll for room in the kernel's send buffer. */
export const ROOM = 6 << 20;
/** Reports of options that a socket does not have, which is no loss. */
export const OPTION = 7 << 20;
/** Reports of failed cancellations: this bit and the operation that was to be cancelled. */
export const CANCEL = 8 << 20;

/**
 * Operations on datagrams: their index is in the high word, with a bit that no generation has, so that they are found among what
 * belongs to no stream socket.
 */
export const DATAGRAM = 16 << 20;
export const BOUND_RECEIVE = 17 << 20;
export const FLOW_RECEIVE = 18 << 20;
export const BOUND_SEND = 19 << 20;
export const FLOW_SEND = 20 << 20;
export const DATAGRAM_INDEX = 0x40000000;
/** A write to a file or pipe: likewise. */
export const OUTLET = 21 << 20;

export const OPERATION_MASK = 31 << 20;
export const INDEX_MASK = SOCKETS_MAX - 1;
export const GENERATION_MASK = 0x3fffffff;
