/** The frames of a connection that carry nothing of a message: settings, windows, pings, resets, and that it is to end. */
import {
  emitGoaway,
  emitPing,
  emitRstStream,
  emitSettings,
  emitSettingsAck,
  emitWindowUpdate,
} from '../../wire/http2/frame-writer.ts';
import {
  FRAME_HEADER_BYTES,
  GOAWAY_BYTES,
  PING_BYTES,
  RST_STREAM_BYTES,
  SETTING_BYTES,
  WINDOW_UPDATE_BYTES,
} from '../../wire/http2/frame.ts';
import type { Output } from './output.ts';

export interface ControlOwner {
  /** There is no slot for a frame that has to be sent. */
  lackMemory(): void;
}

export class ControlFrames {
  private readonly memory: Uint8Array;
  private readonly output: Output;
  private readonly owner: ControlOwner;

  constructor(memory: Uint8Array, output: Output, owner: ControlOwner) {
    this.memory = memory;
    this.output = output;
    this.owner = owner;
  }

  /** `settings`: identifiers with their values. */
  sendSettings(settings: readonly number[]): void {
    const at = this.output.reserve(FRAME_HEADER_BYTES + (settings.length / 2) * SETTING_BYTES);
    if (at < 0) this.owner.lackMemory();
    else this.output.commit(emitSettings(this.memory, at, settings));
  }

  sendSettingsAck(): void {
    const at = this.output.reserve(FRAME_HEADER_BYTES);
    if (at < 0) this.owner.lackMemory();
    else this.output.commit(emitSettingsAck(this.memory, at));
  }

  /** `opaque`: PING_BYTES of them; the peer's own where it is an answer. */
  sendPing(opaque: Uint8Array, isAck: boolean): void {
    const at = this.output.reserve(FRAME_HEADER_BYTES + PING_BYTES);
    if (at < 0) this.owner.lackMemory();
    else this.output.commit(emitPing(this.memory, at, opaque, isAck));
  }

  /** `lastId`: no stream above it is taken. Where no slot is free the peer is not told. */
  sendGoaway(lastId: number, code: number): void {
    const at = this.output.reserve(FRAME_HEADER_BYTES + GOAWAY_BYTES);
    if (at >= 0) this.output.commit(emitGoaway(this.memory, at, lastId, code));
  }

  sendReset(streamId: number, code: number): void {
    const at = this.output.reserve(FRAME_HEADER_BYTES + RST_STREAM_BYTES);
    if (at < 0) this.owner.lackMemory();
    else this.output.commit(emitRstStream(this.memory, at, streamId, code));
  }

  /** `streamId` 0: the connection's window. */
  sendWindow(streamId: number, increment: number): void {
    const at = this.output.reserve(FRAME_HEADER_BYTES + WINDOW_UPDATE_BYTES);
    if (at < 0) this.owner.lackMemory();
    else this.output.commit(emitWindowUpdate(this.memory, at, streamId, increment));
  }
}
