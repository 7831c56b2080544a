import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import tls from 'node:tls';
import * as fc from 'fast-check';
import { ClientHello, HELLO_BYTES_MAX, HELLO_MORE, HELLO_NONE, HELLO_READ, readClientHello } from './client-hello.ts';

/** What node:tls sends first. */
async function helloOf(options: tls.ConnectionOptions): Promise<Buffer> {
  const wire = new Duplex({
    read: () => undefined,
    write: (data: Buffer, _, done) => {
      wire.emit('sent', data);
      done();
    },
  });
  const sent = once(wire, 'sent') as Promise<[Buffer]>;
  const client = tls.connect({ socket: wire, ...options });
  client.on('error', () => undefined);
  const [hello] = await sent;
  client.destroy();
  return hello;
}

function read(bytes: Uint8Array): object | 'more' | 'none' {
  const into = new ClientHello();
  const result = readClientHello(bytes, 0, bytes.length, into);
  const { serverName, protocols } = into;
  if (result === HELLO_READ) return { serverName, protocols };
  return result === HELLO_MORE ? 'more' : 'none';
}

/** The same handshake in records of so many bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

const HELLO = await helloOf({ servername: 'Shop.Example', ALPNProtocols: ['h2', 'http/1.1'] });

test('a hello says the host and the protocols, however it is cut, and in however many records', () => {
  for (const hello of [HELLO, inRecords(HELLO, 2), inRecords(HELLO, 7), inRecords(HELLO, 100)]) {
    for (let length = 0; length < hello.length; length++) assert.equal(read(hello.subarray(0, length)), 'more');
    assert.deepEqual(read(hello), { serverName: 'shop.example', protocols: ['h2', 'http/1.1'] });
  }
});

test('a hello says whether it has what a session can be resumed by', async () => {
  const into = new ClientHello();
  const isResuming = (hello: Buffer): boolean => {
    assert.equal(readClientHello(hello, 0, hello.length, into), HELLO_READ);
    return into.isResuming;
  };
  assert.equal(isResuming(HELLO), false);
  assert.equal(isResuming(await helloOf({ maxVersion: 'TLSv1.2' })), false);
});

test('without a name or protocols there are none', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const hello = await helloOf({ maxVersion });
    assert.deepEqual(read(hello), { serverName: '', protocols: [] });
  }
});

test('what is no hello is none as soon as that is certain', () => {
  const changed = (at: number, byte: number): Buffer => {
    const bytes = Buffer.from(HELLO);
    bytes[at] = byte;
    return bytes;
  };
  assert.equal(read(Buffer.from('G')), 'none');
  assert.equal(read(Buffer.from('SSH-2.0-x\r\n')), 'none');
  assert.equal(read(Buffer.from([22, 2])), 'none', 'SSL 2');
  assert.equal(read(Buffer.from([22, 3, 1, 0, 0])), 'none', 'an empty record');
  assert.equal(read(Buffer.from([22, 3, 1, 0x40, 1])), 'none', 'a record that is too long');
  assert.equal(read(changed(5, 2)), 'none', 'a ServerHello');
  assert.equal(read(changed(6, 1)), 'none', 'longer than anybody needs');
  assert.equal(read(Buffer.concat([changed(4, HELLO[4] + 1), Buffer.of(1)])), 'none', 'with something behind it');
});

test('any bytes are a hello, the beginning of one, or none', () => {
  fc.assert(
    fc.property(fc.nat(HELLO.length), fc.uint8Array({ minLength: 1, maxLength: 40 }), (at, bytes) => {
      const changed = Buffer.from(HELLO);
      changed.set(bytes.subarray(0, HELLO.length - at), at);
      const into = new ClientHello();
      assert.ok([HELLO_MORE, HELLO_NONE, HELLO_READ].includes(readClientHello(changed, 0, changed.length, into)));
      assert.match(into.serverName, /^[a-z0-9_.-]*$/);
    }),
  );
  const scattered = inRecords(Buffer.concat([Buffer.alloc(5), Buffer.of(1, 0, 0x3f, 0), Buffer.alloc(1100)]), 1);
  assert.equal(read(scattered), 'none', 'more records than anybody needs');
  const endless = Buffer.alloc(HELLO_BYTES_MAX + 5, 1);
  endless.set([22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfd]);
  assert.equal(read(endless), 'none');
});
