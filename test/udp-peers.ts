/** Servers and clients of UDP for the tests. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { WAIT_MS } from './evenkeel.ts';

export interface UdpServer {
  readonly port: number;
  /** What has come, oldest first. */
  readonly received: Received[];
  readonly socket: dgram.Socket;
  stop(): void;
}

export interface Received {
  readonly text: string;
  readonly bytes: number;
  /** Of who sent it: a session has one. */
  readonly port: number;
}

/** Answers each datagram with these. */
export async function startUdpServer(
  t: TestContext,
  answer: (request: Buffer) => readonly (string | Buffer)[] = (request) => [request],
  port = 0,
): Promise<UdpServer> {
  const socket = dgram.createSocket('udp4');
  const received: Received[] = [];
  socket.on('message', (bytes, from) => {
    received.push({ text: bytes.toString('latin1', 0, 200), bytes: bytes.length, port: from.port });
    for (const each of answer(bytes)) socket.send(each, from.port, from.address);
  });
  socket.on('error', () => undefined);
  let isStopped = false;
  const stop = (): void => {
    if (!isStopped) socket.close();
    isStopped = true;
  };
  t.after(stop);
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, received, socket, stop };
}

/** A client: one socket, as long as the test lasts. */
export class UdpClient {
  readonly socket: dgram.Socket;
  readonly answers: { readonly text: string; readonly bytes: number; readonly from: string }[] = [];
  private readonly port: number;
  private readonly host: string;

  constructor(t: TestContext, port: number, host = '127.0.0.1') {
    this.port = port;
    this.host = host;
    this.socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
    this.socket.on('message', (bytes, { address, port: from }) => {
      this.answers.push({
        text: bytes.toString('latin1', 0, 200),
        bytes: bytes.length,
        from: `${address} ${from}`,
      });
    });
    this.socket.on('error', () => undefined);
    t.after(() => this.socket.close());
  }

  send(bytes: string | Buffer): void {
    this.socket.send(bytes, this.port, this.host);
  }

  /** The answer to this one. */
  async ask(bytes: string | Buffer): Promise<string> {
    const count = this.answers.length;
    this.send(bytes);
    await until(() => this.answers.length > count, `an answer to ${bytes.toString().slice(0, 40)}`);
    return this.answers[count].text;
  }
}

/** Waits for what will be so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
