/**
 * The least that a relay of datagrams can do over this transport: a socket towards a server for each client, found by a number, and nothing
 * that ends it but, at the second port, its one answer. No rules, no counts, no health. What it costs is this machine's limit.
 *
 * A process of its own: `bare-relay.js PORT PORT_OF_QUESTIONS SERVER_PORT...`, all on 127.0.0.1.
 */
import type { DatagramHandler, DatagramSocket, Flow, FlowHandler } from '../../src/port/datagram.ts';
import { createUringTransport } from '../../src/io/uring/transport.ts';
import { bindLocal } from './local-socket.ts';

const [port, portOfQuestions, ...serverPorts] = process.argv.slice(2).map(Number);
const transport = createUringTransport();
const servers = serverPorts.map((each) => transport.prepareAddress({ family: 4, host: '127.0.0.1', port: each }));
let nextServer = 0;

interface Client {
  readonly flow: Flow;
  readonly back: number;
  readonly key: number;
}

class Relay implements DatagramHandler, FlowHandler {
  private readonly answersOne: boolean;
  private readonly byKey = new Map<number, Client>();
  private readonly byTag: Client[] = [];
  private readonly free: number[] = [];
  private readonly socket: DatagramSocket;

  constructor(at: number, answersOne: boolean) {
    this.answersOne = answersOne;
    this.socket = transport.datagrams.bind(bindLocal(at), this);
  }

  start(): void {
    this.socket.start();
  }

  handleDatagram({ from }: DatagramSocket, bytes: Uint8Array, offset: number, length: number): void {
    const key = (from.ip3 >>> 0) * 65536 + from.port;
    (this.byKey.get(key) ?? this.begin(key))?.flow.send(bytes, offset, length);
  }

  private begin(key: number): Client | null {
    const tag = this.free.pop() ?? this.byTag.length;
    nextServer = (nextServer + 1) % servers.length;
    const flow = transport.datagrams.open(servers[nextServer], this, tag, this.answersOne);
    if (typeof flow !== 'object') return null;
    const client = { flow, back: this.socket.keepReturn(), key };
    this.byTag[tag] = client;
    this.byKey.set(key, client);
    return client;
  }

  handleAnswer({ tag }: Flow, bytes: Uint8Array, offset: number, length: number): void {
    const { back, flow, key } = this.byTag[tag];
    this.socket.sendTo(back, bytes, offset, length);
    if (!this.answersOne) return;
    flow.close();
    this.socket.forgetReturn(back);
    this.byKey.delete(key);
    this.free.push(tag);
  }

  handleDropped(): void {}
  handleFlowDropped(): void {}
  handleUnreachable(): void {}
}

new Relay(port, false).start();
new Relay(portOfQuestions, true).start();
await transport.run({ handleTurn() {} });
