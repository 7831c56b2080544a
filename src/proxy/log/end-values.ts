/** Values that are known when a request has ended, of its record. */
import { ISO_TIME_BYTES, LOCAL_TIME_BYTES, writeIsoTime, writeLocalTime } from '../../base/date-text.ts';
import type { EndValuePlan } from '../../config/words/template.ts';
import { ENDINGS, isComplete, PHASES } from '../../core/endings.ts';
import type { LateValue, LateValues } from '../../core/value/late.ts';
import type { ResponseValues } from '../../core/value/response-values.ts';
import { Span } from '../../core/value/span.ts';
import { ascii } from '../../wire/http1/classes.ts';
import { emitBytes, emitDecimal } from '../../wire/http1/emit.ts';
import type { EndRecord } from './end-record.ts';
import { type Escape, ESCAPED_BYTES_MAX, emitEscaped } from './escape.ts';

/** Of one; the rest is left out. */
const BYTES_MAX = 512;
export const END_VALUE_BYTES_MAX = BYTES_MAX * ESCAPED_BYTES_MAX;

const DASH = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NOTHING = new Uint8Array(0);
const text = new Uint8Array(BYTES_MAX);
const span = new Span();
const OK = ascii('OK');
/** Names are few: each is encoded once. */
const known = new Map<string, Uint8Array>();
const KNOWN_MAX = 4096;

export class EndValues implements LateValues {
  private readonly wallClockMs: () => number;
  private readonly responseValues: ResponseValues;
  private record!: EndRecord;
  /** Between the clock of the records and the one that shows years, and when that was looked at. */
  private wallAt = -1;
  private wallMs = 0;
  private isoSecond = -1;
  private localSecond = -1;
  private readonly iso = new Uint8Array(ISO_TIME_BYTES);
  private readonly local = new Uint8Array(LOCAL_TIME_BYTES);

  constructor(wallClockMs: () => number, responseValues: ResponseValues) {
    this.wallClockMs = wallClockMs;
    this.responseValues = responseValues;
  }

  /** They are those of this record until the next call. */
  look(record: EndRecord): void {
    this.record = record;
  }

  /** For conditions and values by name. */
  find({ kind, name }: LateValue, into: Span): void {
    if (kind === 'value') return this.responseValues.find(name, this, into);
    if (kind === 'date') return this.responseValues.findDate(name, into);
    if (kind === 'response' || kind === 'sent') return this.findField(kind, name.toLowerCase(), into);
    if (kind === 'capture') return into.set(NOTHING, 0, 0);
    const end = this.write(kind, text, 0);
    into.set(text, 0, end);
  }

  /** Where there must be room for END_VALUE_BYTES_MAX. The offset behind. */
  emit({ kind, name }: EndValuePlan, escape: Escape, out: Uint8Array, at: number): number {
    let end = at;
    if (kind === 'value' || kind === 'response' || kind === 'sent') {
      if (kind === 'value') this.responseValues.find(name, this, span);
      else this.findField(kind, name, span);
      end = emitEscaped(escape, out, at, span.bytes, span.at, Math.min(span.length, BYTES_MAX));
    } else if (kind === 'route') {
      const route = this.write(kind, text, 0);
      end = emitEscaped(escape, out, at, text, 0, route);
    } else if (kind === 'request-body') {
      const { requestBody: body } = this.record;
      end = emitEscaped(escape, out, at, body, 0, Math.min(body.length, BYTES_MAX));
    } else end = this.write(kind, out, at);
    if (end === at && escape === 'text') out[end++] = DASH;
    return end;
  }

  private findField(kind: 'response' | 'sent', name: string, into: Span): void {
    const { notes } = this.record;
    if (notes === null) into.set(NOTHING, 0, 0);
    else notes.find(kind, name, into);
  }

  private write(kind: string, out: Uint8Array, at: number): number {
    const { record } = this;
    switch (kind) {
      case 'status':
        return emitDecimal(out, at, record.status);
      case 'bytes-sent':
        return emitDecimal(out, at, record.sentBytes);
      case 'body-bytes-sent':
        return emitDecimal(out, at, Math.max(0, record.sentBytes - record.sentHeadBytes));
      case 'bytes-received':
        return emitDecimal(out, at, record.receivedBytes);
      case 'request-time':
        return emitSeconds(out, at, record.endedAt - record.begunAt);
      case 'head-time':
        return emitSeconds(out, at, record.headAt - record.begunAt);
      case 'queue-time':
        return emitSeconds(out, at, record.queuedMs);
      case 'tries':
        return emitDecimal(out, at, record.trail.count);
      case 'reason':
        return emitName(out, at, ENDINGS[record.ending].name);
      case 'ended-by':
        return emitName(out, at, ENDINGS[record.ending].by);
      case 'phase':
        return emitName(out, at, PHASES[record.phase]);
      case 'completion':
        return isComplete(record.ending) ? emitBytes(out, at, OK, 0, OK.length) : at;
      case 'limiter':
        return emitName(out, at, record.limiter);
      case 'listener':
        return emitName(out, at, record.listener.name);
      case 'route':
        return record.counted === null ? at : emitName(out, at, record.counted.route);
      case 'upstream':
        return record.upstreamPlan === null ? at : emitName(out, at, record.upstreamPlan.name);
      case 'server':
        return this.writeServer(out, at);
      case 'transport':
        return emitName(out, at, record.listener.protocol === 'udp' ? 'UDP' : 'TCP');
      case 'server-bytes-sent':
        return emitText(out, at, record.trail.lastOf(record.receivedBytes));
      case 'server-bytes-received':
        return emitText(out, at, record.trail.lastOf(record.sentBytes));
      case 'request-body':
        return emitBytes(out, at, record.requestBody, 0, Math.min(record.requestBody.length, BYTES_MAX));
      case 'request-id':
        return emitBytes(out, at, record.idBytes, record.idAt, Math.min(record.idLength, BYTES_MAX));
      case 'time':
        return emitSeconds(out, at, this.wall);
      case 'iso-time':
        return this.writeIso(out, at);
      case 'local-time':
        return this.writeLocal(out, at);
      default:
        return emitText(out, at, record.trail.textOf(kind, record.endedAt));
    }
  }

  /** Mostly there is one, whose text is known. */
  private writeServer(out: Uint8Array, at: number): number {
    const { trail } = this.record;
    if (trail.count === 1) return emitName(out, at, trail.at(0).server);
    return trail.count === 0 ? at : emitText(out, at, trail.textOf('server', 0));
  }

  /** One look for all lines of a turn. */
  private get wall(): number {
    const { endedAt } = this.record;
    if (endedAt !== this.wallAt) {
      this.wallAt = endedAt;
      this.wallMs = this.wallClockMs();
    }
    return this.wallMs;
  }

  private writeIso(out: Uint8Array, at: number): number {
    const second = Math.floor(this.wall / 1000);
    if (second !== this.isoSecond) {
      this.isoSecond = second;
      writeIsoTime(this.iso, second * 1000);
    }
    return emitBytes(out, at, this.iso, 0, ISO_TIME_BYTES);
  }

  private writeLocal(out: Uint8Array, at: number): number {
    const second = Math.floor(this.wall / 1000);
    if (second !== this.localSecond) {
      this.localSecond = second;
      writeLocalTime(this.local, second * 1000);
    }
    return emitBytes(out, at, this.local, 0, LOCAL_TIME_BYTES);
  }
}

/** With three decimals. */
function emitSeconds(out: Uint8Array, at: number, ms: number): number {
  const whole = Math.max(0, Math.floor(ms));
  at = emitDecimal(out, at, Math.floor(whole / 1000));
  const rest = whole % 1000;
  out[at++] = DOT;
  out[at++] = ZERO + Math.floor(rest / 100);
  out[at++] = ZERO + (Math.floor(rest / 10) % 10);
  out[at++] = ZERO + (rest % 10);
  return at;
}

function emitName(out: Uint8Array, at: number, name: string): number {
  let bytes = known.get(name);
  if (bytes === undefined) {
    bytes = ascii(name);
    if (known.size < KNOWN_MAX) known.set(name, bytes);
  }
  return emitBytes(out, at, bytes, 0, Math.min(bytes.length, BYTES_MAX));
}

function emitText(out: Uint8Array, at: number, said: string): number {
  const bytes = ascii(said);
  return emitBytes(out, at, bytes, 0, Math.min(bytes.length, BYTES_MAX));
}
