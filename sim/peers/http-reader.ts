/**
 * A strict HTTP/1.1 reader for the simulated peers. It shares no line with `src/wire`: what that parser lets through, this
 * one must find unambiguous, or the run fails. It reads RFC 9112 as narrowly as the RFC allows, because it reads only what
 * the proxy wrote, and the proxy has no reason to write anything else.
 *
 * Slow and simple on purpose: a line at a time, as strings.
 */

export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

export interface Head {
  /** Request: method. Response: empty. */
  readonly method: string;
  /** Request: target. Response: empty. */
  readonly target: string;
  /** Response: status. Request: 0. */
  readonly status: number;
  /** 10 or 11. */
  readonly version: number;
  /** In order, names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

export interface ReaderSink {
  /** A response says whether it has a body: false for an answer to HEAD, and for one that switches protocols. */
  handleHead(head: Head): 'as-framed' | 'no-body' | 'tunnel';
  handleBody(bytes: Uint8Array, at: number, length: number): void;
  /** The message is whole. `trailers` as the chunked coding had them. */
  handleMessageEnd(trailers: Head['fields']): void;
}

const LINE_BYTES_MAX = 70_000;

type State =
  | 'start'
  | 'fields'
  | 'length'
  | 'chunk-size'
  | 'chunk'
  | 'chunk-end'
  | 'trailers'
  | 'close'
  | 'tunnel'
  | 'done';

export class HttpReader {
  private readonly kind: 'request' | 'response';
  private readonly sink: ReaderSink;
  private state: State = 'start';
  private line: number[] = [];
  private startLine = '';
  private fields: [string, string][] = [];
  private left = 0;

  constructor(kind: 'request' | 'response', sink: ReaderSink) {
    this.kind = kind;
    this.sink = sink;
  }

  /** Nothing of a message was read yet. */
  get isBetweenMessages(): boolean {
    return this.state === 'start' && this.line.length === 0;
  }

  /** Reads all of it; throws MalformedError. */
  feed(bytes: Uint8Array, at: number, length: number): void {
    let i = at;
    const end = at + length;
    while (i < end) {
      switch (this.state) {
        case 'length':
        case 'chunk': {
          const take = Math.min(this.left, end - i);
          this.left -= take;
          this.sink.handleBody(bytes, i, take);
          i += take;
          if (this.left === 0) {
            if (this.state === 'length') this.endMessage([]);
            else this.state = 'chunk-end';
          }
          break;
        }
        case 'close':
        case 'tunnel':
          this.sink.handleBody(bytes, i, end - i);
          i = end;
          break;
        case 'done':
          throw new MalformedError('bytes after the last message');
        case 'start':
        case 'fields':
        case 'chunk-size':
        case 'chunk-end':
        case 'trailers':
          i = this.readLine(bytes, i, end);
      }
    }
  }

  /** FIN. Throws MalformedError if a message is cut by it. */
  end(): void {
    if (this.state === 'close') this.endMessage([]);
    else if (this.state !== 'tunnel' && this.state !== 'done' && !this.isBetweenMessages) {
      throw new MalformedError(`the connection ends in ${this.state}`);
    }
  }

  /** Whatever follows is an error. */
  stop(): void {
    this.state = 'done';
  }

  private readLine(bytes: Uint8Array, from: number, end: number): number {
    let i = from;
    while (i < end) {
      const byte = bytes[i++];
      const last = this.line[this.line.length - 1];
      if (last === 13 && byte !== 10) throw new MalformedError(`bare CR in ${this.state}`);
      if (byte === 10) {
        if (last !== 13) throw new MalformedError(`bare LF in ${this.state}`);
        this.line.pop();
        const text = String.fromCharCode(...this.line);
        this.line = [];
        this.handleLine(text);
        return i;
      }
      this.line.push(byte);
      if (this.line.length > LINE_BYTES_MAX) throw new MalformedError('endless line');
    }
    return i;
  }

  private handleLine(text: string): void {
    switch (this.state) {
      case 'start':
        this.startLine = text;
        this.fields = [];
        this.state = 'fields';
        break;
      case 'fields':
      case 'trailers':
        if (text !== '') this.fields.push(parseField(text));
        else if (this.state === 'fields') this.endHead();
        else this.endTrailers();
        break;
      case 'chunk-size': {
        const match = /^([0-9A-Fa-f]{1,16})(.*)$/.exec(text);
        if (match === null) throw new MalformedError(`chunk size ${JSON.stringify(text)}`);
        checkExtensions(match[2]);
        this.left = parseInt(match[1], 16);
        if (this.left > Number.MAX_SAFE_INTEGER) throw new MalformedError(`chunk size ${match[1]}`);
        this.fields = [];
        this.state = this.left === 0 ? 'trailers' : 'chunk';
        break;
      }
      case 'chunk-end':
        if (text !== '') throw new MalformedError('bytes after a chunk');
        this.state = 'chunk-size';
        break;
      case 'length':
      case 'chunk':
      case 'close':
      case 'tunnel':
      case 'done':
        throw new MalformedError(`line in ${this.state}`);
    }
  }

  private endTrailers(): void {
    for (const [name] of this.fields) {
      if (FORBIDDEN_TRAILERS.has(name)) throw new MalformedError(`trailer field ${name}`);
    }
    this.endMessage(this.fields);
  }

  private endHead(): void {
    const head =
      this.kind === 'request'
        ? parseRequestLine(this.startLine, this.fields)
        : parseStatusLine(this.startLine, this.fields);
    if (this.kind === 'request') checkHost(head);
    const framing = framingOf(head);
    const body = this.sink.handleHead(head);
    if (body === 'tunnel') {
      this.state = 'tunnel';
      return;
    }
    const hasNoBody =
      body === 'no-body' || head.status === 204 || head.status === 304 || (head.status >= 100 && head.status < 200);
    if (hasNoBody || framing === 0) {
      this.state = 'length';
      this.endMessage([]);
    } else if (framing === 'chunked') this.state = 'chunk-size';
    else if (framing === 'close') this.state = 'close';
    else {
      this.left = framing;
      this.state = 'length';
    }
  }

  private endMessage(trailers: Head['fields']): void {
    this.state = this.state === 'close' ? 'done' : 'start';
    this.sink.handleMessageEnd(trailers);
  }
}

export function fieldValues(head: Head, name: string): string[] {
  return head.fields.filter((field) => field[0] === name).map((field) => field[1]);
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FORBIDDEN_TRAILERS = new Set([
  'content-length',
  'transfer-encoding',
  'host',
  'connection',
  'content-encoding',
  'authorization',
  'set-cookie',
]);

function parseRequestLine(line: string, fields: Head['fields']): Head {
  const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP\/1\.([01])$/.exec(line);
  if (match === null) throw new MalformedError(`request line ${JSON.stringify(line)}`);
  const target = match[2];
  if (!target.startsWith('/') && target !== '*')
    throw new MalformedError(`target ${JSON.stringify(target)} at an origin server`);
  if (target.includes('#')) throw new MalformedError(`fragment in target ${JSON.stringify(target)}`);
  return { method: match[1], target, status: 0, version: match[3] === '1' ? 11 : 10, fields };
}

function parseStatusLine(line: string, fields: Head['fields']): Head {
  const match = /^HTTP\/1\.([01]) ([1-9][0-9][0-9]) ([\t -~\u0080-\u00ff]*)$/.exec(line);
  if (match === null) throw new MalformedError(`status line ${JSON.stringify(line)}`);
  return { method: '', target: '', status: Number(match[2]), version: match[1] === '1' ? 11 : 10, fields };
}

function parseField(line: string): [string, string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  if (!TOKEN.test(name)) throw new MalformedError(`field name in ${JSON.stringify(line)}`);
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) throw new MalformedError(`control byte in field ${name}`);
  return [name.toLowerCase(), value];
}

function checkExtensions(text: string): void {
  if (text === '') return;
  const extension = /^(;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(=([!#$%&'*+\-.^_`|~0-9A-Za-z]+|"([\t !#-[\]-~]|\\[\t -~])*"))?)+$/;
  if (!extension.test(text)) throw new MalformedError(`chunk extension ${JSON.stringify(text)}`);
}

function checkHost(head: Head): void {
  const hosts = fieldValues(head, 'host');
  if (hosts.length > 1 || (head.version === 11 && hosts.length === 0))
    throw new MalformedError(`${hosts.length} Host fields`);
  if (hosts.length === 1 && !/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]*)?$/.test(hosts[0])) {
    throw new MalformedError(`Host ${JSON.stringify(hosts[0])}`);
  }
}

/** RFC 9112 section 6.3: how many bytes, `chunked`, or `close`. */
function framingOf(head: Head): number | 'chunked' | 'close' {
  const lengths = fieldValues(head, 'content-length');
  const codings = fieldValues(head, 'transfer-encoding');
  if (codings.length > 0) {
    if (lengths.length > 0) throw new MalformedError('Content-Length with Transfer-Encoding');
    if (codings.length > 1 || codings[0].toLowerCase() !== 'chunked')
      throw new MalformedError(`Transfer-Encoding ${codings.join(' | ')}`);
    if (head.version === 10) throw new MalformedError('Transfer-Encoding in HTTP/1.0');
    return 'chunked';
  }
  if (lengths.length > 1) throw new MalformedError('two Content-Length fields');
  if (lengths.length === 1) {
    if (!/^[0-9]{1,15}$/.test(lengths[0])) throw new MalformedError(`Content-Length ${JSON.stringify(lengths[0])}`);
    return Number(lengths[0]);
  }
  return head.status > 0 ? 'close' : 0;
}
