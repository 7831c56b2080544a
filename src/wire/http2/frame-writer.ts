/**
 * Writers for frames (RFC 9113 section 6). All take the array and the offset to write at, and return the offset behind what they
 * wrote. That there is room is the caller's promise.
 */
import { writeU16, writeU32 } from '../../base/bytes.ts';
import { emitFragment } from '../http1/emit.ts';
import {
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_CONTINUATION,
  FRAME_GOAWAY,
  FRAME_HEADERS,
  FRAME_HEADER_BYTES,
  FRAME_PING,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  GOAWAY_BYTES,
  PING_BYTES,
  RST_STREAM_BYTES,
  SETTING_BYTES,
  WINDOW_UPDATE_BYTES,
} from './frame.ts';

/** The header of a frame with `length` bytes of payload. */
export function emitFrameHeader(
  out: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  writeU32(out, at + 5, streamId);
  return at + FRAME_HEADER_BYTES;
}

/** SETTINGS with these pairs of identifier and value, one after the other. */
export function emitSettings(out: Uint8Array, at: number, pairs: readonly number[]): number {
  at = emitFrameHeader(out, at, (pairs.length / 2) * SETTING_BYTES, FRAME_SETTINGS, 0, 0);
  for (let i = 0; i < pairs.length; i += 2) {
    writeU16(out, at, pairs[i]);
    writeU32(out, at + 2, pairs[i + 1]);
    at += SETTING_BYTES;
  }
  return at;
}

export function emitSettingsAck(out: Uint8Array, at: number): number {
  return emitFrameHeader(out, at, 0, FRAME_SETTINGS, FLAG_ACK, 0);
}

/** `opaque`: 8 bytes. */
export function emitPing(out: Uint8Array, at: number, opaque: Uint8Array, isAck: boolean): number {
  at = emitFrameHeader(out, at, PING_BYTES, FRAME_PING, isAck ? FLAG_ACK : 0, 0);
  return emitFragment(out, at, opaque);
}

/** `lastStreamId`: no stream above it was or will be worked on. */
export function emitGoaway(out: Uint8Array, at: number, lastStreamId: number, errorCode: number): number {
  at = emitFrameHeader(out, at, GOAWAY_BYTES, FRAME_GOAWAY, 0, 0);
  writeU32(out, at, lastStreamId);
  writeU32(out, at + 4, errorCode);
  return at + GOAWAY_BYTES;
}

export function emitRstStream(out: Uint8Array, at: number, streamId: number, errorCode: number): number {
  at = emitFrameHeader(out, at, RST_STREAM_BYTES, FRAME_RST_STREAM, 0, streamId);
  writeU32(out, at, errorCode);
  return at + RST_STREAM_BYTES;
}

/** `increment`: 1..2^31-1. */
export function emitWindowUpdate(out: Uint8Array, at: number, streamId: number, increment: number): number {
  at = emitFrameHeader(out, at, WINDOW_UPDATE_BYTES, FRAME_WINDOW_UPDATE, 0, streamId);
  writeU32(out, at, increment);
  return at + WINDOW_UPDATE_BYTES;
}

/** The bytes that `emitBlockFrames` needs in all for a block of `length` bytes. */
export function blockFramesLength(length: number, frameBytes: number): number {
  return length + Math.max(1, Math.ceil(length / frameBytes)) * FRAME_HEADER_BYTES;
}

/**
 * Makes frames of a header block of `length` bytes that stands at `at + FRAME_HEADER_BYTES`: HEADERS at `at`, and as many CONTINUATION
 * as it takes when no frame may be longer than `frameBytes`, for which parts of the block move up.
 */
export function emitBlockFrames(
  out: Uint8Array,
  at: number,
  length: number,
  streamId: number,
  endsStream: boolean,
  frameBytes: number,
): number {
  const block = at + FRAME_HEADER_BYTES;
  const end = at + blockFramesLength(length, frameBytes);
  const rest = Math.max(1, Math.ceil(length / frameBytes)) - 1;
  // from the last on, so that none is written over
  for (let i = rest; i > 0; i--) {
    const from = block + i * frameBytes;
    const partLength = Math.min(frameBytes, block + length - from);
    const to = from + i * FRAME_HEADER_BYTES;
    out.copyWithin(to, from, from + partLength);
    emitFrameHeader(
      out,
      to - FRAME_HEADER_BYTES,
      partLength,
      FRAME_CONTINUATION,
      i === rest ? FLAG_END_HEADERS : 0,
      streamId,
    );
  }
  const flags = (endsStream ? FLAG_END_STREAM : 0) | (rest === 0 ? FLAG_END_HEADERS : 0);
  emitFrameHeader(out, at, Math.min(length, frameBytes), FRAME_HEADERS, flags, streamId);
  return end;
}
