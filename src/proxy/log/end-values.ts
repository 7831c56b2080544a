/** Values that are known when a request has ended, of its record. */
import { ISO_TIME_BYTES, LOCAL_TIME_BYTES, writeIsoTime, writeLocalTime } from '../../base/date-text.ts';
import type { EndValuePlan } from '../../config/words/template.ts';
import { ENDINGS, isComplete, PHASES } from '../../core/endings.ts';
import type { LateValue, LateValues } from '../../core/value/late.ts';
import type { ResponseValues } from '../../core/value/response-values.ts';
import { Span } from '../../core/value/span.ts';
import { ascii } from '../../wire/http1/classes.ts';
import { emitBytes, emitDecimal } from '../../wire/http1/emit.ts';
import { NEVER, type Try } from '../http/trail.ts';
import type { EndRecord } from './end-record.ts';
import { type Escape, ESCAPED_BYTES_MAX, emitEscaped } from './escape.ts';

/** Of one; the rest is left out. */
const BYTES_MAX = 512;
const END_VALUE_BYTES_MAX = BYTES_MAX * ESCAPED_BYTES_MAX;

const DASH = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NOTHING = new Uint8Array(0);
const text = new Uint8Array(BYTES_MAX);
const span = new Span();
const OK = ascii('OK');
const [TCP, UDP] = ['TCP', 'UDP'].map(ascii);
const MISSING = ascii('-');
const REASONS = ENDINGS.map(({ name }) => ascii(name));
const ENDED_BY = ENDINGS.map(({ by }) => ascii(by));
const PHASE_NAMES = PHASES.map(ascii);
/** Names are few: each is encoded once. */
const known = new Map<string, Uint8Array>();
const KNOWN_MAX = 4096;

export class EndValues implements LateValues {
  private readonly wallClockMs: () => number;
  private readonly responseValues: ResponseValues;
  /** They are those of this record. */
  record!: EndRecord;
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
    if (kind === 'request-body') {
      const { requestBody: body } = this.record;
      return into.set(body, 0, Math.min(body.length, BYTES_MAX));
    }
    into.set(text, 0, WRITERS[kind](this, text, 0, 'none', name));
  }

  findField(kind: 'response' | 'sent', name: string, into: Span): void {
    const { notes } = this.record;
    if (notes === null) into.set(NOTHING, 0, 0);
    else notes.find(kind, name, into);
  }

  /** Of the response that the record is of. */
  findValue(name: string, into: Span): void {
    this.responseValues.find(name, this, into);
  }

  /** One look for all lines of a turn. */
  get wall(): number {
    const { endedAt } = this.record;
    if (endedAt !== this.wallAt) {
      this.wallAt = endedAt;
      this.wallMs = this.wallClockMs();
    }
    return this.wallMs;
  }

  writeIso(out: Uint8Array, at: number): number {
    const second = Math.floor(this.wall / 1000);
    if (second !== this.isoSecond) {
      this.isoSecond = second;
      writeIsoTime(this.iso, second * 1000);
    }
    return emitBytes(out, at, this.iso, 0, ISO_TIME_BYTES);
  }

  writeLocal(out: Uint8Array, at: number): number {
    const second = Math.floor(this.wall / 1000);
    if (second !== this.localSecond) {
      this.localSecond = second;
      writeLocalTime(this.local, second * 1000);
    }
    return emitBytes(out, at, this.local, 0, LOCAL_TIME_BYTES);
  }
}

/** Writes a value of the record, where there must be room for END_VALUE_BYTES_MAX. The offset behind. */
type Writer = (values: EndValues, out: Uint8Array, at: number, escape: Escape, name: string) => number;

type Kind = EndValuePlan['kind'];

const WRITERS: Readonly<Record<Kind, Writer>> = {
  status: ({ record }, out, at) => emitDecimal(out, at, record.status),
  'bytes-sent': ({ record }, out, at) => emitDecimal(out, at, record.sentBytes),
  'body-bytes-sent': ({ record }, out, at) =>
    emitDecimal(out, at, Math.max(0, record.sentBytes - record.sentHeadBytes)),
  'bytes-received': ({ record }, out, at) => emitDecimal(out, at, record.receivedBytes),
  'request-time': ({ record }, out, at) => emitSeconds(out, at, record.endedAt - record.begunAt),
  'head-time': ({ record }, out, at) => emitSeconds(out, at, record.headAt - record.begunAt),
  'queue-time': ({ record }, out, at) => emitSeconds(out, at, record.queuedMs),
  tries: ({ record }, out, at) => emitDecimal(out, at, record.trail.count),
  reason: ({ record }, out, at) => emitAll(out, at, REASONS[record.ending]),
  'ended-by': ({ record }, out, at) => emitAll(out, at, ENDED_BY[record.ending]),
  phase: ({ record }, out, at) => emitAll(out, at, PHASE_NAMES[record.phase]),
  completion: ({ record }, out, at) => (isComplete(record.ending) ? emitAll(out, at, OK) : at),
  limiter: ({ record }, out, at) => (record.limiter === '' ? at : emitName(out, at, record.limiter)),
  listener: ({ record }, out, at) => emitName(out, at, record.listener.name),
  route: ({ record }, out, at, escape) =>
    record.counted === null ? at : emitEscaped(escape, out, at, text, 0, emitName(text, 0, record.counted.route)),
  upstream: ({ record }, out, at) => (record.upstreamPlan === null ? at : emitName(out, at, record.upstreamPlan.name)),
  transport: ({ record }, out, at) => emitAll(out, at, record.listener.protocol === 'udp' ? UDP : TCP),
  server: ({ record: { trail } }, out, at) => {
    if (trail.count === 1) return emitName(out, at, trail.server);
    return trail.count === 0 ? at : emitText(out, at, trail.textOf('server', 0));
  },
  'server-status': ofTries('server-status', ({ status }, out, at) =>
    status === 0 ? emitAll(out, at, MISSING) : emitDecimal(out, at, status),
  ),
  'server-connect-time': ofTries('server-connect-time', ({ begunAt, connectedAt }, out, at) =>
    emitSpan(out, at, begunAt, connectedAt),
  ),
  'server-time': ofTries('server-time', ({ begunAt, headAt }, out, at) => emitSpan(out, at, begunAt, headAt)),
  'server-header-time': ofTries('server-header-time', ({ begunAt, failure, headAt }, out, at) =>
    emitSpan(out, at, begunAt, failure === 0 ? headAt : NEVER),
  ),
  'server-response-time': ofTries('server-response-time', ({ begunAt, endedAt }, out, at, now) =>
    emitSpan(out, at, begunAt, endedAt === NEVER ? now : endedAt),
  ),
  'server-bytes-sent': ({ record }, out, at) => emitText(out, at, record.trail.lastOf(record.receivedBytes)),
  'server-bytes-received': ({ record }, out, at) => emitText(out, at, record.trail.lastOf(record.sentBytes)),
  'request-body': ({ record: { requestBody: body } }, out, at, escape) =>
    emitEscaped(escape, out, at, body, 0, Math.min(body.length, BYTES_MAX)),
  'request-id': ({ record }, out, at) =>
    emitBytes(out, at, record.idBytes, record.idAt, Math.min(record.idLength, BYTES_MAX)),
  time: (values, out, at) => emitSeconds(out, at, values.wall),
  'iso-time': (values, out, at) => values.writeIso(out, at),
  'local-time': (values, out, at) => values.writeLocal(out, at),
  response: (values, out, at, escape, name) => {
    values.findField('response', name, span);
    return emitFound(out, at, escape);
  },
  sent: (values, out, at, escape, name) => {
    values.findField('sent', name, span);
    return emitFound(out, at, escape);
  },
  value: (values, out, at, escape, name) => {
    values.findValue(name, span);
    return emitFound(out, at, escape);
  },
};

/** A value in a line, with the text behind it that is always the same: what it is was looked up once. */
export class EndPart {
  private readonly name: string;
  private readonly write: Writer;
  private readonly escape: Escape;
  private readonly suffix: Uint8Array;

  constructor({ kind, name }: EndValuePlan, escape: Escape, suffix: Uint8Array) {
    this.name = name;
    this.write = WRITERS[kind];
    this.escape = escape;
    this.suffix = suffix;
  }

  /** As the most that it writes. */
  get bytesMax(): number {
    return END_VALUE_BYTES_MAX + this.suffix.length;
  }

  /** The offset behind. */
  emit(values: EndValues, out: Uint8Array, at: number): number {
    let end = this.write(values, out, at, this.escape, this.name);
    if (end === at && this.escape === 'text') out[end++] = DASH;
    return emitBytes(out, end, this.suffix, 0, this.suffix.length);
  }
}

type TryWriter = (one: Try, out: Uint8Array, at: number, now: number) => number;

/** Mostly there is one try, and then nothing of it becomes a string. */
function ofTries(kind: Kind, write: TryWriter): Writer {
  return ({ record: { endedAt, trail } }, out, at) => {
    if (trail.count === 1) return write(trail, out, at, endedAt);
    return trail.count === 0 ? at : emitText(out, at, trail.textOf(kind, endedAt));
  };
}

function emitSpan(out: Uint8Array, at: number, from: number, to: number): number {
  return to === NEVER ? emitAll(out, at, MISSING) : emitSeconds(out, at, Math.round(to - from));
}

function emitFound(out: Uint8Array, at: number, escape: Escape): number {
  return emitEscaped(escape, out, at, span.bytes, span.at, Math.min(span.length, BYTES_MAX));
}

function emitAll(out: Uint8Array, at: number, bytes: Uint8Array): number {
  return emitBytes(out, at, bytes, 0, bytes.length);
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
