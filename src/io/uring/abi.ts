/**
 * The part of the kernel's io_uring interface that this engine uses, as in linux/io_uring.h. Numbers only.
 *
 * Read first: io_uring(7), io_uring_setup(2), io_uring_enter(2), io_uring_register(2).
 */

// System calls: the same numbers on every architecture.
export const SYS_IO_URING_SETUP = 425;
export const SYS_IO_URING_ENTER = 426;
export const SYS_IO_URING_REGISTER = 427;

// io_uring_setup flags, with the first kernel that has them.
export const SETUP_CQSIZE = 1 << 3;
export const SETUP_CLAMP = 1 << 4;
export const SETUP_SUBMIT_ALL = 1 << 7; // 5.18
export const SETUP_TASKRUN_FLAG = 1 << 9; // 5.19
export const SETUP_SINGLE_ISSUER = 1 << 12; // 6.0
export const SETUP_DEFER_TASKRUN = 1 << 13; // 6.1
export const SETUP_NO_SQARRAY = 1 << 16; // 6.6

// struct io_uring_params: byte offsets.
export const PARAMS_BYTES = 120;
export const PARAMS_SQ_ENTRIES = 0;
export const PARAMS_CQ_ENTRIES = 4;
export const PARAMS_FLAGS = 8;
export const PARAMS_FEATURES = 20;
export const PARAMS_SQ_HEAD = 40;
export const PARAMS_SQ_TAIL = 44;
export const PARAMS_SQ_ARRAY = 64;
export const PARAMS_CQ_HEAD = 80;
export const PARAMS_CQ_TAIL = 84;
export const PARAMS_CQ_CQES = 100;

export const FEATURE_SINGLE_MMAP = 1 << 0;
export const FEATURE_NODROP = 1 << 1;
export const FEATURE_SUBMIT_STABLE = 1 << 2;
export const FEATURE_EXT_ARG = 1 << 8;
export const FEATURE_CQE_SKIP = 1 << 11;
export const FEATURE_NO_IOWAIT = 1 << 17; // 6.15

// mmap offsets.
export const OFFSET_RINGS = 0;
export const OFFSET_SQES = 0x10000000;

// io_uring_enter flags.
export const ENTER_GETEVENTS = 1 << 0;
export const ENTER_EXT_ARG = 1 << 3;
export const ENTER_REGISTERED_RING = 1 << 4;
export const ENTER_NO_IOWAIT = 1 << 7;

// io_uring_register.
export const REGISTER_RING_FDS = 20;
export const UNREGISTER_RING_FDS = 21;
export const REGISTER_PBUF_RING = 22;

// Operations.
export const OP_NOP = 0;
export const OP_POLL_ADD = 6;
export const OP_SENDMSG = 9;
export const OP_RECVMSG = 10;
export const OP_ACCEPT = 13;
export const OP_ASYNC_CANCEL = 14;
export const OP_CONNECT = 16;
export const OP_CLOSE = 19;
export const OP_WRITE = 23;
export const OP_SEND = 26;
export const OP_RECV = 27;
export const OP_URING_CMD = 46;

/** Of OP_URING_CMD on a socket, from 6.7. */
export const SOCKET_SETSOCKOPT = 3;

// Flags of a submission: byte 1, so shifted by 8 in its first word.
export const SQE_BUFFER_SELECT = (1 << 5) << 8;
export const SQE_CQE_SKIP_SUCCESS = (1 << 6) << 8;

// ioprio of a submission: bytes 2 and 3, so shifted by 16 in its first word.
export const ACCEPT_MULTISHOT = (1 << 0) << 16;
export const RECV_POLL_FIRST = (1 << 0) << 16;
export const RECV_MULTISHOT = (1 << 1) << 16;

/** poll(2). */
export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLRDHUP = 0x2000;

// Flags of a completion.
export const CQE_F_BUFFER = 1 << 0;
export const CQE_F_MORE = 1 << 1;
export const CQE_F_SOCK_NONEMPTY = 1 << 2;
export const CQE_BUFFER_SHIFT = 16;
