/** A name server for tests, on a port of 127.0.0.1, over UDP: RFC 1035, one question, answers with A records. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

export interface NameServer {
  readonly address: string;
  /** Every question of an address so far: the name, in lower case. */
  readonly asked: string[];
  /** By lower-case name. None: there is no such name. `silent`: it is not answered. */
  readonly names: Map<string, readonly string[] | 'silent'>;
}

const TTL_SECONDS = 3600;
const NO_SUCH_NAME = 3;

export async function startNameServer(t: TestContext): Promise<NameServer> {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  const server: NameServer = { address: `127.0.0.1:${socket.address().port}`, asked: [], names: new Map() };
  socket.on('message', (question, { port, address }) => {
    const { name, end } = nameIn(question);
    const isOfA = question.readUInt16BE(end) === 1;
    if (isOfA) server.asked.push(name);
    const known = server.names.get(name);
    if (known === 'silent') return;
    const answers = isOfA ? (known ?? []) : [];
    const head = Buffer.from(question.subarray(0, end + 4));
    head.writeUInt16BE(0x8180 | (known === undefined ? NO_SUCH_NAME : 0), 2);
    head.writeUInt16BE(answers.length, 6);
    head.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([head, ...answers.map(recordOf)]), port, address);
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
function recordOf(address: string): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(1, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(TTL_SECONDS, 6);
  record.writeUInt16BE(4, 10);
  record.set(address.split('.').map(Number), 12);
  return record;
}
