/**
 * HTTP for the proxies: each request names a site, and is answered with one of its files. What a client's proxy does not take waits
 * in one buffer, and its file is read on when that is gone.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type FileSite, PATH_FIELD, PATH_MARK, SITE_FIELD, STATUS_FIELD } from '../config/plan/files.ts';
import { type Fields, type Part, partFor, type Version } from './conditions.ts';
import { type OpenFile, Root } from './disk.ts';
import { findAnswer, typeOf } from './lookup.ts';
import type { NoteLog } from '../base/note-log.ts';

/** A proxy's own limits are below that. */
const HEAD_BYTES_MAX = 128 * 1024;
/** What is read at once, and so what is kept for a client that takes nothing. */
const CHUNK_BYTES = 64 * 1024;
const PATHS_MAX = 64;
const PHRASES: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Not Allowed',
  412: 'Precondition Failed',
  416: 'Requested Range Not Satisfiable',
  500: 'Internal Server Error',
  503: 'Service Temporarily Unavailable',
};

export class FileServer {
  readonly server: Server;
  private readonly log: NoteLog;
  private sites: ReadonlyMap<string, FileSite> = new Map();
  /** Those of the plans before, for requests that were on their way. */
  private former: ReadonlyMap<string, FileSite>[] = [];
  private roots = new Map<string, Root>();

  /** `isPeer`: who may ask. */
  constructor(isPeer: (socket: Socket) => boolean, connectionsMax: number, log: NoteLog) {
    this.log = log;
    this.server = createServer({ maxHeaderSize: HEAD_BYTES_MAX, keepAliveTimeout: 0, requestTimeout: 0 });
    this.server.headersTimeout = 0;
    this.server.maxHeadersCount = 0;
    this.server.maxConnections = connectionsMax;
    this.server.on('connection', (socket: Socket) => {
      if (!isPeer(socket)) socket.destroy();
    });
    this.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.answer(request, response).catch((error: unknown) => {
        log.note(`cannot answer: ${(error as Error).message}`);
        response.destroy();
      });
    });
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // a method that Node does not know asks for no file
      if (error.code === 'HPE_INVALID_METHOD' && socket.writable)
        socket.end('HTTP/1.1 405 Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    });
  }

  /** From now on there are these. What a plan before had is known until a few more have come. */
  apply(sites: readonly FileSite[]): void {
    this.former = [this.sites, ...this.former].slice(0, 4);
    this.sites = new Map(sites.map((site) => [site.key, site]));
    const wanted = new Set([this.sites, ...this.former].flatMap((map) => [...map.values()].map(({ root }) => root)));
    for (const root of this.roots.keys()) if (!wanted.has(root)) this.roots.delete(root);
  }

  private siteOf(key: string): FileSite | undefined {
    return this.sites.get(key) ?? this.former.find((map) => map.has(key))?.get(key);
  }

  private rootOf(path: string): Root {
    let root = this.roots.get(path);
    if (root === undefined) this.roots.set(path, (root = new Root(path)));
    return root;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.sendDate = false;
    request.resume();
    const { headers, url = '', method = '' } = request;
    const site = this.siteOf(String(headers[SITE_FIELD.toLowerCase()]));
    const question = url.indexOf('?');
    const path = decode(question < 0 ? url : url.slice(0, question));
    if (site === undefined || path === null) {
      sendStatus(response, 404);
      return;
    }
    // the page for an error answers with that, whatever was asked
    const page = headers[STATUS_FIELD.toLowerCase()];
    const asks = page !== undefined || method === 'GET' || method === 'HEAD';
    const found = await findAnswer(site, this.rootOf(site.root), path, pathsOf(headers, site), asks);
    if (found.kind === 'file') {
      try {
        const answered = {
          type: typeOf(site, found.path),
          isError: page !== undefined && page !== '200',
          isHead: method === 'HEAD',
        };
        await this.sendFile(response, found.file, answered, page === undefined ? headers : {});
      } finally {
        found.file.close();
      }
    } else if (found.kind === 'slash') {
      const query = question < 0 ? '' : url.slice(question);
      send(response, 301, { Location: `${escape(found.path)}/${query}` }, '301 Moved Permanently\n');
    } else {
      if (found.reason !== null) this.log.note(`root ${site.root}: ${found.reason}`);
      sendStatus(response, found.status);
    }
  }

  private async sendFile(
    response: ServerResponse,
    file: OpenFile,
    { type, isError, isHead }: { readonly type: string; readonly isError: boolean; readonly isHead: boolean },
    fields: Fields,
  ): Promise<void> {
    const { size, modified } = file;
    const version: Version = { size, modified, etag: `"${modified.toString(16)}-${size.toString(16)}"` };
    const part = partFor(fields, version);
    const head: Record<string, string | number> = { ETag: version.etag };
    if (!isError) head['Last-Modified'] = new Date(modified * 1000).toUTCString();
    if (part.status === 304) {
      response.writeHead(304, head).end();
      return;
    }
    if (part.status === 412 || part.status === 416) {
      sendStatus(response, part.status, part.status === 416 ? { 'Content-Range': `bytes */${size}` } : {});
      return;
    }
    if (type !== '') head['Content-Type'] = type;
    const { first, last } = boundsOf(part, size);
    head['Content-Length'] = last + 1 - first;
    if (part.status === 206) head['Content-Range'] = `bytes ${first}-${last}/${size}`;
    else if (!isError) head['Accept-Ranges'] = 'bytes';
    response.writeHead(part.status, head);
    if (isHead) response.end();
    else await pour(file, first, last + 1, response);
  }
}

function boundsOf(part: Part, size: number): { readonly first: number; readonly last: number } {
  return part.status === 206 ? part : { first: 0, last: size - 1 };
}

/** The bytes from `at` to `end`. A file that has become shorter cannot be what its length has promised. */
async function pour(file: OpenFile, at: number, end: number, response: ServerResponse): Promise<void> {
  while (at < end) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - at));
    const length = await file.read(chunk, 0, chunk.length, at);
    if (response.destroyed) return;
    if (length === 0) {
      response.destroy();
      return;
    }
    at += length;
    if (!response.write(chunk.subarray(0, length))) await drained(response);
    if (response.destroyed) return;
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

function sendStatus(response: ServerResponse, status: number, fields: Record<string, string> = {}): void {
  send(response, status, fields, `${status} ${PHRASES[status]}\n`);
}

function send(response: ServerResponse, status: number, fields: Record<string, string>, body: string): void {
  response.writeHead(status, { ...fields, 'Content-Type': 'text/plain', 'Content-Length': body.length });
  response.end(body);
}

/** A path as it may stand in a Location. */
function escape(path: Buffer): string {
  return path
    .toString('latin1')
    .replace(/[^!$&-;=@A-Z[\]_a-z~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/** The bytes of a path; null: it is none. */
function decode(target: string): Buffer | null {
  if (!target.startsWith('/')) return null;
  const bytes = Buffer.from(target, 'latin1');
  if (!target.includes('%')) return bytes;
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes[i] === 0x25 ? Number.parseInt(target.slice(i + 1, i + 3), 16) : bytes[i];
    if (Number.isNaN(code)) return null;
    if (bytes[i] === 0x25) i += 2;
    bytes[length++] = code;
  }
  return bytes.subarray(0, length);
}

function pathsOf(headers: Fields, { paths }: FileSite): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let i = 0; i < Math.min(paths.length, PATHS_MAX); i++) {
    const text = String(headers[`${PATH_FIELD}${i}`.toLowerCase()] ?? PATH_MARK + PATH_MARK);
    found.push(Buffer.from(text.slice(PATH_MARK.length, -PATH_MARK.length), 'latin1'));
  }
  return found;
}
