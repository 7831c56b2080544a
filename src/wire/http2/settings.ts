/** Settings (RFC 9113 section 6.5.2, RFC 8441, RFC 9218): their identifiers, and those of a peer as they stand. */
import { FAULT_SETTING_VALUE, FAULT_SETTING_WINDOW } from './faults.ts';
import { FRAME_BYTES_LIMIT, FRAME_BYTES_MAX, INT31_MAX } from './frame.ts';

export const SETTING_HEADER_TABLE_SIZE = 0x1;
export const SETTING_ENABLE_PUSH = 0x2;
export const SETTING_MAX_CONCURRENT_STREAMS = 0x3;
export const SETTING_INITIAL_WINDOW_SIZE = 0x4;
export const SETTING_MAX_FRAME_SIZE = 0x5;
export const SETTING_MAX_HEADER_LIST_SIZE = 0x6;
/** RFC 8441. */
export const SETTING_ENABLE_CONNECT_PROTOCOL = 0x8;
/** RFC 9218 section 2.1. */
export const SETTING_NO_RFC7540_PRIORITIES = 0x9;

/** The window of a stream before a setting, and of the connection (section 6.9.2). */
export const INITIAL_WINDOW_BYTES = 65_535;
export const HEADER_TABLE_BYTES = 4096;

/** What a peer has set; before that the values that RFC 9113 gives. Streams, bytes: 0..2^32-1. */
export class PeerSettings {
  headerTableBytes = HEADER_TABLE_BYTES;
  /** Infinity: no bound. */
  concurrentStreams = Infinity;
  initialWindowBytes = INITIAL_WINDOW_BYTES;
  frameBytes = FRAME_BYTES_MAX;
  /** Infinity: no bound. Advice only. */
  headerListBytes = Infinity;
  takesExtendedConnect = false;
  /** It does not read the priorities of RFC 7540. */
  leavesOldPriorities = false;

  /**
   * Takes over one setting of a SETTINGS frame. Returns 0 or a FAULT_ of the connection. `isServer`: the peer is one. Unknown settings
   * are ignored (section 6.5.2).
   */
  apply(id: number, value: number, isServer: boolean): number {
    switch (id) {
      case SETTING_HEADER_TABLE_SIZE:
        this.headerTableBytes = value;
        return 0;
      case SETTING_ENABLE_PUSH:
        return value > 1 || (isServer && value === 1) ? FAULT_SETTING_VALUE : 0;
      case SETTING_MAX_CONCURRENT_STREAMS:
        this.concurrentStreams = value;
        return 0;
      case SETTING_INITIAL_WINDOW_SIZE:
        if (value > INT31_MAX) return FAULT_SETTING_WINDOW;
        this.initialWindowBytes = value;
        return 0;
      case SETTING_MAX_FRAME_SIZE:
        if (value < FRAME_BYTES_MAX || value > FRAME_BYTES_LIMIT) return FAULT_SETTING_VALUE;
        this.frameBytes = value;
        return 0;
      case SETTING_MAX_HEADER_LIST_SIZE:
        this.headerListBytes = value;
        return 0;
      case SETTING_ENABLE_CONNECT_PROTOCOL:
        // RFC 8441 section 3: it is not taken back
        if (value > 1 || (this.takesExtendedConnect && value === 0)) return FAULT_SETTING_VALUE;
        this.takesExtendedConnect = value === 1;
        return 0;
      case SETTING_NO_RFC7540_PRIORITIES:
        if (value > 1) return FAULT_SETTING_VALUE;
        this.leavesOldPriorities = value === 1;
        return 0;
      default:
        return 0;
    }
  }
}
