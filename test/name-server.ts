/** A name server for tests, on a port of 127.0.0.1, over UDP: RFC 1035, one question, answers with A or SRV records. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

export interface NameServer {
  readonly address: string;
  /** Every question of an address or a service so far: the name, in lower case. */
  readonly asked: string[];
  /** By lower-case name. None: there is no such name. `silent`: it is not answered. */
  readonly names: Map<string, readonly string[] | 'silent'>;
  /** By lower-case name, SRV records: `priority weight port name`. */
  readonly services: Map<string, readonly string[]>;
}

const TTL_SECONDS = 3600;
const NO_SUCH_NAME = 3;
const A = 1;
const SRV = 33;

export async function startNameServer(t: TestContext): Promise<NameServer> {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  const server: NameServer = {
    address: `127.0.0.1:${socket.address().port}`,
    asked: [],
    names: new Map(),
    services: new Map(),
  };
  socket.on('message', (question, { port, address }) => {
    const { name, end } = nameIn(question);
    const type = question.readUInt16BE(end);
    if (type === A || type === SRV) server.asked.push(name);
    const known = type === SRV ? server.services.get(name) : server.names.get(name);
    if (known === 'silent') return;
    const answers = type === A || type === SRV ? (known ?? []) : [];
    const head = Buffer.from(question.subarray(0, end + 4));
    head.writeUInt16BE(0x8180 | (known === undefined ? NO_SUCH_NAME : 0), 2);
    head.writeUInt16BE(answers.length, 6);
    head.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([head, ...answers.map((answer) => recordOf(type, answer))]), port, address);
  });
  return server;
}

function nameIn(message: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at]; length > 0; length = message[at]) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

/** Of the name that was asked for. */
function recordOf(type: number, answer: string): Buffer {
  const data = type === A ? Buffer.from(answer.split('.').map(Number)) : serviceOf(answer);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(TTL_SECONDS, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

/** RFC 2782: `10 1 8080 a.test`. */
function serviceOf(answer: string): Buffer {
  const [priority, weight, port, name] = answer.split(' ');
  const head = Buffer.alloc(6);
  [priority, weight, port].forEach((text, i) => head.writeUInt16BE(Number(text), 2 * i));
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  return Buffer.concat([head, ...labels, Buffer.of(0)]);
}
