/**
 * The peers of the contract suite, on node:net in a thread of their own, because a transport under test may block its
 * thread. It does what `loopback.ts` posts and posts what happens.
 */
import net from 'node:net';
import tls from 'node:tls';
import { workerData } from 'node:worker_threads';
import { resetOnClose } from '../node/descriptor.ts';
import { handleOf } from '../node/stream-handle.ts';
import { hasError } from './sockets.ts';
import type { PeerCommand, PeerEvent, PeerWorkerData } from './peer-messages.ts';

const { port, secure } = workerData as PeerWorkerData;
const context = secure === null ? undefined : tls.createSecureContext({ cert: secure.certificate, key: secure.key });
const servers = new Map<number, net.Server>();
const sockets = new Map<number, net.Socket>();
/** Of those that speak TLS, what is below them. */
const raws = new WeakMap<net.Socket, net.Socket>();
/** Connections that come in are numbered downwards; those that the suite asks for, upwards. */
let nextAcceptedId = -1;

let wake: net.Socket | null = null;
let isWakeDue = false;

function post(event: PeerEvent): void {
  port.postMessage(event);
  if (isWakeDue) return;
  isWakeDue = true;
  setImmediate(() => {
    isWakeDue = false;
    if (wake?.writable === true) wake.write('.');
  });
}

/** Hands over the socket that bytes go by: this one, or one that speaks TLS over it, when that may begin. */
function secured(raw: net.Socket, isServer: boolean, open: (socket: net.Socket) => void): void {
  if (context === undefined) {
    open(raw);
    return;
  }
  const options = { secureContext: context, isServer, rejectUnauthorized: false };
  const socket = isServer ? new tls.TLSSocket(raw, options) : tls.connect({ socket: raw, ...options });
  raw.on('error', () => undefined);
  raws.set(socket, raw);
  socket.once(isServer ? 'secure' : 'secureConnect', () => open(socket));
}

function watch(id: number, socket: net.Socket, paused: boolean): void {
  sockets.set(id, socket);
  socket.setNoDelay(true);
  socket.on('data', (bytes: Buffer) => post({ event: 'data', id, bytes: new Uint8Array(bytes) }));
  socket.on('end', () => {
    // libuv calls a reset that comes with the last data an end
    const handle = handleOf(raws.get(socket) ?? socket);
    if (handle !== null && hasError(handle.fd))
      socket.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    else post({ event: 'end', id });
  });
  socket.on('error', (error: NodeJS.ErrnoException) => post({ event: 'error', id, code: error.code ?? error.message }));
  const closed = (): void => {
    if (sockets.delete(id)) post({ event: 'close', id });
  };
  socket.on('close', closed);
  // one that is reset while it ends tells only below
  raws.get(socket)?.on('close', () => setImmediate(closed));
  if (paused) socket.pause();
}

/** With TLS by the descriptor: Node's own way fails while FIN is on its way, which TLS has told of before. */
function reset(socket: net.Socket): void {
  const raw = raws.get(socket);
  if (raw === undefined) {
    socket.resetAndDestroy();
    return;
  }
  const handle = handleOf(raw);
  if (handle !== null) resetOnClose(handle.fd);
  raw.destroy();
}

function writeSplit(id: number, socket: net.Socket, bytes: Uint8Array, sizes: readonly number[]): void {
  let at = 0;
  let i = 0;
  const next = (): void => {
    if (at === bytes.length || socket.destroyed) return;
    const size = i < sizes.length ? sizes[i++] : bytes.length - at;
    const end = Math.min(bytes.length, at + size);
    const piece = bytes.subarray(at, end);
    at = end;
    socket.write(piece, (error) => {
      if (error) return;
      post({ event: 'written', id, count: piece.length });
      setImmediate(next);
    });
  };
  next();
}

function perform(command: PeerCommand): void {
  switch (command.command) {
    case 'listen': {
      const server = net.createServer(
        { allowHalfOpen: true, pauseOnConnect: command.paused && context === undefined },
        (raw) => {
          const id = nextAcceptedId--;
          const { localPort = 0, remoteAddress: remoteHost = '' } = raw;
          secured(raw, true, (socket) => {
            post({ event: 'connection', id, listener: command.id, localPort, remoteHost });
            watch(id, socket, command.paused);
          });
        },
      );
      servers.set(command.id, server);
      server.listen(command.path ?? { host: command.host, port: 0 }, () => {
        const address = server.address();
        const portNumber = address !== null && typeof address === 'object' ? address.port : 0;
        post({ event: 'listening', id: command.id, port: portNumber });
      });
      return;
    }
    case 'connect': {
      const { id } = command;
      const where = command.path === null ? { host: command.host, port: command.port } : { path: command.path };
      const raw = net.connect({ ...where, allowHalfOpen: true });
      const connected = (): void => post({ event: 'connect', id, localPort: raw.localPort ?? 0 });
      if (context === undefined) raw.on('connect', connected);
      secured(raw, false, (socket) => {
        if (context !== undefined) connected();
        watch(id, socket, command.paused);
      });
      return;
    }
    case 'wake':
      wake?.destroy();
      wake = net.connect({ path: command.path });
      wake.on('error', () => undefined);
      return;
    case 'reset-all':
      for (const server of servers.values()) server.close();
      for (const socket of sockets.values()) socket.destroy();
      servers.clear();
      return;
    case 'exit':
      process.exit(0);
    // no fallthrough: exit does not return
    case 'write':
    case 'end':
    case 'reset':
    case 'pause':
    case 'resume': {
      const socket = sockets.get(command.id);
      if (socket === undefined) return;
      if (command.command === 'write') writeSplit(command.id, socket, command.bytes, command.sizes);
      else if (command.command === 'end') socket.end();
      else if (command.command === 'reset') reset(socket);
      else if (command.command === 'pause') socket.pause();
      else socket.resume();
    }
  }
}

port.on('message', perform);
