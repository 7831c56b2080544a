/**
 * The peers of the contract suite, on node:net in a thread of their own, because a transport under test may block its
 * thread. It does what `loopback.ts` posts and posts what happens.
 */
import net from 'node:net';
import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { handleOf } from '../node/stream-handle.ts';
import { hasError } from './sockets.ts';
import type { PeerCommand, PeerEvent } from './peer-messages.ts';

const port = workerData as MessagePort;
const servers = new Map<number, net.Server>();
const sockets = new Map<number, net.Socket>();
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

function watch(id: number, socket: net.Socket, paused: boolean): void {
  sockets.set(id, socket);
  socket.setNoDelay(true);
  socket.on('data', (bytes: Buffer) => post({ event: 'data', id, bytes: new Uint8Array(bytes) }));
  socket.on('end', () => {
    // libuv calls a reset that comes with the last data an end
    if (hasError(handleOf(socket)!.fd)) socket.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    else post({ event: 'end', id });
  });
  socket.on('error', (error: NodeJS.ErrnoException) => post({ event: 'error', id, code: error.code ?? error.message }));
  socket.on('close', () => {
    sockets.delete(id);
    post({ event: 'close', id });
  });
  if (paused) socket.pause();
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
      const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: command.paused }, (socket) => {
        const id = nextAcceptedId--;
        const { localPort = 0, remoteAddress: remoteHost = '' } = socket;
        post({ event: 'connection', id, listener: command.id, localPort, remoteHost });
        watch(id, socket, command.paused);
      });
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
      const socket = net.connect({ ...where, allowHalfOpen: true });
      socket.on('connect', () => post({ event: 'connect', id, localPort: socket.localPort ?? 0 }));
      watch(id, socket, command.paused);
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
      else if (command.command === 'reset') socket.resetAndDestroy();
      else if (command.command === 'pause') socket.pause();
      else socket.resume();
    }
  }
}

port.on('message', perform);
