/**
 * The servers behind: one port of HTTP, one of TCP. What they send is endless unless its length is asked for, and an upload is
 * never read. Their own kernel buffers are kept small, so that the TCP memory of the machine is mostly the proxy's.
 */
import net from 'node:net';
import { setOption, SOL_SOCKET } from '../../src/io/linux/libc.ts';

const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const BUFFER_BYTES = 16 * 1024;
const block = Buffer.alloc(64 * 1024, 'x');
const small = `HTTP/1.1 200 OK\r\nContent-Length: 62\r\n\r\n${'x'.repeat(62)}`;

const http = net.createServer((socket) => {
  socket.on('error', () => undefined);
  let head = '';
  socket.on('data', (data) => {
    head += data.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    const request = head;
    head = '';
    if (request.startsWith('POST')) socket.pause();
    else if (/\r\nUpgrade:/i.test(request))
      begin(socket, 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n', Infinity);
    else if (request.startsWith('GET /bytes/')) {
      const bytes = Number(/^GET \/bytes\/([0-9]+)/.exec(request)?.[1]);
      begin(socket, `HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`, bytes);
    } else socket.write(small);
  });
});
const tcp = net.createServer((socket) => {
  socket.on('error', () => undefined);
  begin(socket, '', Infinity);
});

function begin(socket: net.Socket, head: string, bytes: number): void {
  if (head !== '') socket.write(head);
  let left = bytes;
  const pump = (): void => {
    for (let goesOn = true; left > 0 && goesOn;) {
      const piece = left < block.length ? block.subarray(0, left) : block;
      left -= piece.length;
      goesOn = socket.write(piece);
    }
    if (left === 0) socket.off('drain', pump);
  };
  socket.on('drain', pump);
  pump();
}

const ports: number[] = [];
for (const server of [http, tcp]) {
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
    const { fd } = (server as unknown as Record<'_handle', { fd: number }>)['_handle'];
    setOption(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
    setOption(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
    ports[server === http ? 0 : 1] = (server.address() as net.AddressInfo).port;
    if (ports[0] !== undefined && ports[1] !== undefined) process.send?.(ports);
  });
}
process.on('disconnect', () => process.exit());
