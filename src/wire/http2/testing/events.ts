/** What the tests of this folder share: frames, and what a reader makes of them, as lines, whole and in pieces. */
import { assert } from '../../../base/assert.ts';
import { formatHex } from '../../../base/bytes.ts';
import { errorCodeName } from '../error-codes.ts';
import { faultOf } from '../faults.ts';
import * as F from '../frame.ts';
import * as R from '../frame-reader.ts';
import { emitFrameHeader } from '../frame-writer.ts';

export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const out = new Uint8Array(F.FRAME_HEADER_BYTES + payload.length);
  out.set(payload, emitFrameHeader(out, 0, payload.length, type, flags, streamId));
  return out;
}

export const SETTINGS: Uint8Array = frame(F.FRAME_SETTINGS, 0, 0);

/** A line for each event; parts of one frame, or of one header block, are one. Reads `all` whole, byte by byte and in odd pieces. */
export function eventsOf(parts: readonly Uint8Array[], hasPreface = true): string[] {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const whole = read(bytes, hasPreface, () => bytes.length);
  for (const step of bytes.length > 4096 ? [1000, 7777] : [1, 2, 5, 11]) {
    const pieces = read(bytes, hasPreface, () => step);
    assert(
      pieces.join('\n') === whole.join('\n'),
      `in pieces of ${step}: ${pieces.join(', ')}; whole: ${whole.join(', ')}`,
    );
  }
  return whole;
}

/** `step`: how many bytes come next. */
export function read(bytes: Uint8Array, hasPreface: boolean, step: () => number): string[] {
  const reader = new R.FrameReader(hasPreface);
  const lines: string[] = [];
  let content = '';
  let end = 0;
  let at = 0;
  while (end < bytes.length) {
    end = Math.min(bytes.length, end + step());
    for (;;) {
      const next = reader.next(bytes, at, end);
      assert(next >= at && next <= end, `the reader went from ${at} to ${next} of ${end}`);
      at = next;
      const { event } = reader;
      if (event === R.EVENT_MORE) break;
      if (event === R.EVENT_DATA || event === R.EVENT_HEADERS) {
        assert(reader.isFirst === (content === ''), 'isFirst is not so');
        const name = event === R.EVENT_DATA ? 'data' : 'headers';
        if (reader.isFirst) content = `${name} ${reader.streamId} `;
        content += formatHex(bytes.subarray(reader.from, reader.to));
        if (!reader.isLast) continue;
        lines.push(content + (reader.endsStream ? ' end' : '') + faultName(reader.fault));
        content = '';
        continue;
      }
      lines.push(lineOf(reader));
      if (event === R.EVENT_FAULT) return lines;
    }
    assert(at === end, 'the reader left bytes');
  }
  return lines;
}

function faultName(fault: number): string {
  return fault === 0 ? '' : ` ${faultOf(fault).name}`;
}

function lineOf(reader: R.FrameReader): string {
  const { fault, id, opaque, streamId, type, value } = reader;
  switch (reader.event) {
    case R.EVENT_PRIORITY:
      return `priority ${streamId}${faultName(fault)}`;
    case R.EVENT_RESET:
      return `reset ${streamId} ${errorCodeName(value)}`;
    case R.EVENT_SETTING:
      return `setting ${id} ${value}`;
    case R.EVENT_SETTINGS_END:
      return 'settings end';
    case R.EVENT_SETTINGS_ACK:
      return 'settings ack';
    case R.EVENT_PING:
      return `ping ${formatHex(opaque)}`;
    case R.EVENT_PING_ACK:
      return 'ping ack';
    case R.EVENT_GOAWAY:
      return `goaway ${id} ${errorCodeName(value)}`;
    case R.EVENT_WINDOW:
      return `window ${streamId} ${value}${faultName(fault)}`;
    case R.EVENT_IGNORED:
      return `ignored ${type}`;
    default:
      return `fault${faultName(fault)}`;
  }
}
