import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatHex, parseHex } from '../../../base/bytes.ts';
import { latin1 } from '../../../base/text.ts';
import { ascii } from '../../http1/classes.ts';
import { decode } from '../testing/blocks.ts';
import { HpackDecoder } from './decoder.ts';
import { DynamicTable } from './dynamic-table.ts';
import { HpackEncoder } from './encoder.ts';
import { decodeHuffman, emitHuffman, huffmanBound, huffmanLength } from './huffman.ts';
import { emitInteger } from './integer.ts';
import { LINE_BYTES_MAX, LineCache } from './line-cache.ts';
import { STATIC_AT, STATIC_LINES, STATIC_NAME_LENGTH } from './static-table.ts';

function hex(text: string): Uint8Array {
  const bytes = parseHex(text.replaceAll(/\s/g, ''));
  assert.ok(bytes !== null);
  return bytes;
}

/** `name: value` for each field. */
const linesOf = (decoder: HpackDecoder, text: string) =>
  decode(decoder, hex(text)).fields.map((field) => field.join(': '));
const staticName = (index: number) => latin1(STATIC_LINES, STATIC_AT[index], STATIC_NAME_LENGTH[index]);
const faultOf = (text: string) => decode(new HpackDecoder(), hex(text)).fault;

const DATE = 'date: Mon, 21 Oct 2013 20:13:21 GMT';
const LATER = 'date: Mon, 21 Oct 2013 20:13:22 GMT';
const LOCATION = 'location: https://www.example.com';
const COOKIE = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const GET = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const REQUESTS = [
  GET,
  [...GET, 'cache-control: no-cache'],
  [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
];
const RESPONSES = [
  [':status: 302', 'cache-control: private', DATE, LOCATION],
  [':status: 307', 'cache-control: private', DATE, LOCATION],
  [':status: 200', 'cache-control: private', LATER, LOCATION, 'content-encoding: gzip', COOKIE],
];

describe('HPACK: the examples of RFC 7541 appendix C', () => {
  it('C.1: integers', () => {
    const out = new Uint8Array(8);
    const written = (prefixMax: number, value: number) =>
      formatHex(out.slice(0, emitInteger(out, 0, 0, prefixMax, value)));
    assert.equal(written(31, 10), '0a');
    assert.equal(written(31, 1337), '1f9a0a');
    assert.equal(written(255, 42), '2a');
  });

  it('C.2: literals and indexed fields', () => {
    assert.deepEqual(linesOf(new HpackDecoder(), '400a637573746f6d2d6b65790d637573746f6d2d686561646572 be'), [
      'custom-key: custom-header',
      'custom-key: custom-header',
    ]);
    assert.deepEqual(linesOf(new HpackDecoder(), '040c2f73616d706c652f70617468'), [':path: /sample/path']);
    const decoder = new HpackDecoder();
    assert.deepEqual(linesOf(decoder, '100870617373776f726406736563726574'), ['password: secret']);
    assert.equal(decoder.isSensitive, true);
    assert.deepEqual(linesOf(decoder, '82'), [':method: GET']);
    assert.equal(decoder.isSensitive, false);
  });

  it('C.3: requests', () => {
    const decoder = new HpackDecoder();
    assert.deepEqual(linesOf(decoder, '828684410f7777772e6578616d706c652e636f6d'), REQUESTS[0]);
    assert.deepEqual(linesOf(decoder, '828684be58086e6f2d6361636865'), REQUESTS[1]);
    assert.deepEqual(linesOf(decoder, '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565'), REQUESTS[2]);
  });

  it('C.4: requests in the Huffman code', () => {
    const decoder = new HpackDecoder();
    assert.deepEqual(linesOf(decoder, '828684418cf1e3c2e5f23a6ba0ab90f4ff'), REQUESTS[0]);
    assert.deepEqual(linesOf(decoder, '828684be5886a8eb10649cbf'), REQUESTS[1]);
    assert.deepEqual(linesOf(decoder, '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf'), REQUESTS[2]);
  });

  it('C.5: responses, with a table of 256 bytes', () => {
    const decoder = new HpackDecoder(256);
    const first =
      '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54' +
      '6e1768747470733a2f2f7777772e6578616d706c652e636f6d';
    assert.deepEqual(linesOf(decoder, first), RESPONSES[0]);
    assert.deepEqual(linesOf(decoder, '4803333037c1c0bf'), RESPONSES[1]);
    const third =
      '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a58' +
      '4f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31';
    assert.deepEqual(linesOf(decoder, third), RESPONSES[2]);
    // what the table has then
    assert.deepEqual(linesOf(decoder, 'bebfc0'), [COOKIE, 'content-encoding: gzip', LATER]);
    assert.equal(decode(decoder, hex('c1')).fault, 'hpack-index');
  });

  it('C.6: responses in the Huffman code, with a table of 256 bytes', () => {
    const decoder = new HpackDecoder(256);
    const first =
      '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3';
    assert.deepEqual(linesOf(decoder, first), RESPONSES[0]);
    assert.deepEqual(linesOf(decoder, '4883640effc1c0bf'), RESPONSES[1]);
    const third =
      '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672' +
      'c1ab270fb5291f9587316065c003ed4ee5b1063d5007';
    assert.deepEqual(linesOf(decoder, third), RESPONSES[2]);
  });
});

const value = (text: string) => faultOf(`0f01${(0x80 + text.length / 2).toString(16)}${text}`);

describe('HPACK: what is refused', () => {
  it('indices beyond the tables (sections 2.3.3 and 6.1)', () => {
    assert.equal(faultOf('80'), 'hpack-index');
    assert.equal(faultOf('be'), 'hpack-index');
    assert.equal(faultOf('7e0161'), 'hpack-index');
    assert.equal(faultOf('ffffffffff0f'), 'hpack-integer');
    assert.equal(faultOf('ff8080808000'), 'hpack-index');
  });

  it('integers that are too large, however they are spelt (section 5.1)', () => {
    assert.equal(faultOf('ff808080808000'), 'hpack-integer');
    assert.equal(faultOf('ffffffffffff7f'), 'hpack-integer');
    assert.equal(faultOf('0f'.padEnd(200, 'f')), 'hpack-integer');
    assert.equal(faultOf('007fffffffffff'), 'hpack-integer');
    assert.equal(faultOf('3f9a8080808080800a'), 'hpack-integer');
  });

  it('blocks that end in the middle of a field, at every byte', () => {
    const block = hex('828684418cf1e3c2e5f23a6ba0ab90f4ff 400a637573746f6d2d6b65790d637573746f6d2d686561646572 ff00');
    const ends = new Set([0, 1, 2, 3, 17, 43, 45]);
    for (let end = 0; end <= block.length; end++) {
      const { fault } = decode(new HpackDecoder(), block.slice(0, end));
      if (ends.has(end)) assert.equal(fault === '' || fault === 'hpack-index', true, `${end} ${fault}`);
      else assert.equal(fault, 'hpack-truncated', String(end));
    }
  });

  it('Huffman strings with EOS or a wrong end (section 5.2)', () => {
    assert.equal(value('1f'), ''); // a and three ones
    assert.equal(value('18'), 'hpack-huffman'); // a and zeros
    assert.equal(value('1fff'), 'hpack-huffman'); // 11 ones
    assert.equal(value('ff'), 'hpack-huffman'); // 8 ones
    assert.equal(value('3fffffff'), 'hpack-huffman');
    assert.equal(value('fffffffc'), 'hpack-huffman'); // EOS
    assert.equal(value('fffffffffc'), 'hpack-huffman');
    assert.equal(value('1ffffffffe'), 'hpack-huffman');
    assert.equal(value('fe'), 'hpack-huffman'); // a part of a long code
    assert.equal(value('fffe'), 'hpack-huffman');
    assert.equal(value('ffff'), 'hpack-huffman');
  });

  it('tables larger than allowed, or of another size behind a field (sections 4.2 and 6.3)', () => {
    assert.equal(faultOf('3fe11f82'), ''); // 4096
    assert.equal(faultOf('3fe21f82'), 'hpack-table-size'); // 4097
    assert.equal(faultOf('20203fe11f82'), '');
    assert.equal(faultOf('8220'), 'hpack-table-size');
    assert.equal(faultOf('20'), '');
  });
});

describe('HPACK: the dynamic table', () => {
  it('is emptied by a size of 0, and by a field that is larger than it (sections 4.3 and 4.4)', () => {
    const decoder = new HpackDecoder(64);
    assert.deepEqual(linesOf(decoder, '4001610162be'), ['a: b', 'a: b']);
    assert.deepEqual(linesOf(decoder, 'be'), ['a: b']);
    assert.equal(decode(decoder, hex('20be')).fault, 'hpack-index');
    assert.deepEqual(linesOf(new HpackDecoder(64), '4001610162be'), ['a: b', 'a: b']);
    const small = new HpackDecoder(64);
    assert.deepEqual(linesOf(small, `4001610162 400163 20${'64'.repeat(32)}`), ['a: b', `c: ${'d'.repeat(32)}`]);
    assert.equal(decode(small, hex('be')).fault, 'hpack-index');
  });

  it('keeps a name that the new entry pushes out (section 4.4)', () => {
    const decoder = new HpackDecoder(64);
    decode(decoder, hex('40026162 0163'));
    assert.deepEqual(linesOf(decoder, '7e0164be'), ['ab: d', 'ab: d']);
    assert.equal(decode(decoder, hex('bf')).fault, 'hpack-index');
  });

  it('has the entries of a naive one after any additions', () => {
    const table = new DynamicTable(256);
    const naive: string[] = [];
    let seed = 7;
    for (let round = 0; round < 5000; round++) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      const name = 'n'.repeat(1 + ((seed >>> 8) % 20));
      const value = String.fromCharCode(97 + (round % 26)).repeat((seed >>> 16) % 90);
      const line = ascii(`__${name}: ${value}\r\n`);
      table.add(line, 2, name.length, value.length, round & 0xffff);
      naive.unshift(`${name}: ${value}\r\n`);
      while (naive.reduce((sum, { length }) => sum + length + 28, 0) > 256) naive.pop();
      assert.equal(table.count, naive.length);
      for (const [i, text] of naive.entries()) {
        const out = new Uint8Array(text.length);
        table.copyLine(i, text.length, out, 0);
        assert.equal(latin1(out, 0, out.length), text);
        assert.equal(table.nameLength(i), text.indexOf(':'));
        assert.equal(table.tag(i), (round - i) & 0xffff);
      }
    }
  });
});

describe('HPACK: bounds', () => {
  it('a field that does not fit is counted, not written, and stays in the table', () => {
    const decoder = new HpackDecoder();
    const block = hex('400161 0362 6364 be be 82');
    const { cut, fault, fields } = decode(decoder, block, 18);
    assert.deepEqual(
      { cut, fault, fields },
      {
        cut: 2,
        fault: '',
        fields: [
          ['a', 'bcd'],
          ['a', 'bcd'],
        ],
      },
    );
    assert.deepEqual(decode(decoder, hex('be'), 0).cut, 1);
    assert.deepEqual(linesOf(decoder, 'be'), ['a: bcd']);
  });

  it('a field of the Huffman code fits where its bound does not', () => {
    for (let room = 0; room < 40; room++) {
      const decoder = new HpackDecoder();
      const { cut, fields } = decode(decoder, hex('418cf1e3c2e5f23a6ba0ab90f4ff'), room);
      assert.equal(cut, room < 29 ? 1 : 0);
      assert.deepEqual(fields, cut === 1 ? [] : [[':authority', 'www.example.com']]);
      assert.deepEqual(linesOf(decoder, 'be'), [':authority: www.example.com']);
    }
  });

  it('a block of references to a large field costs no more than its bytes', () => {
    const decoder = new HpackDecoder();
    const value = `7fa11e${'61'.repeat(4000)}`;
    assert.equal(decode(decoder, hex(`400162${value}`), 8192).fields.length, 1);
    const { cut, fields } = decode(decoder, new Uint8Array(16_384).fill(0xbe), 8192);
    assert.deepEqual([cut, fields.length], [16_382, 2]);
    assert.equal(decoder.listBytes, 16_384 * 4033);
  });

  it('a string that is longer than every head is told as cut', () => {
    const length = 200_000;
    const block = new Uint8Array(length + 8);
    const at = emitInteger(block, emitInteger(block, 0, 0x40, 63, 5), 0, 127, length);
    block.fill(0x61, at, at + length);
    const decoder = new HpackDecoder();
    decode(decoder, hex('4001610162'));
    assert.deepEqual(decode(decoder, block.slice(0, at + length), 8192), { fields: [], fault: '', cut: 1 });
    assert.equal(decode(decoder, hex('be')).fault, 'hpack-index');
  });
});

describe('HPACK: the Huffman code', () => {
  it('gives every byte back, at every length', () => {
    const bytes = Uint8Array.from({ length: 600 }, (_, i) => (i * 7) & 0xff);
    const out = new Uint8Array(4096);
    const back = new Uint8Array(1024);
    for (let from = 0; from < 300; from++) {
      for (const end of [from, from + 1, from + 2, from + 7, from + 300]) {
        const length = emitHuffman(out, 3, bytes, from, end) - 3;
        assert.equal(length, huffmanLength(bytes, from, end));
        const after = decodeHuffman(out, 3, 3 + length, back, 5, back.length);
        assert.deepEqual(back.subarray(5, after), bytes.subarray(from, end));
        assert.ok(after - 5 <= huffmanBound(length));
      }
    }
  });
});

describe('HPACK: the encoder', () => {
  const cache = new LineCache();
  const out = new Uint8Array(8192);
  const encodeWith = (encoder: HpackEncoder, lines: string) => {
    const bytes = ascii(lines);
    return out.slice(0, encoder.emitLines(out, encoder.begin(out, 0), bytes, 0, bytes.length));
  };
  const SERVER = 'Server: something\r\n';

  it('sends a line in full, then for the table, then as one byte', () => {
    const decoder = new HpackDecoder();
    const encoder = new HpackEncoder(cache);
    const lengths = [1, 2, 3].map(() => {
      const block = encodeWith(encoder, SERVER);
      assert.deepEqual(decode(decoder, block).fields, [['server', 'something']]);
      return block.length;
    });
    assert.deepEqual(lengths, [12, 9, 1]);
    // another connection knows the line at once
    assert.equal(encodeWith(new HpackEncoder(cache), SERVER).length, 9);
  });

  it('never indexes what is secret (section 7.1.3)', () => {
    const encoder = new HpackEncoder(cache);
    for (const name of ['Set-Cookie', 'cookie', 'AUTHORIZATION', 'proxy-authorization']) {
      for (let i = 0; i < 3; i++) {
        const block = encodeWith(encoder, `${name}: a=b\r\n`);
        assert.equal(block[0] & 0xf0, 0x10, name);
        const decoder = new HpackDecoder();
        assert.deepEqual(decode(decoder, block).fields, [[name.toLowerCase(), 'a=b']]);
        assert.equal(decoder.isSensitive, true);
      }
    }
  });

  it('says first what size its table has, when the peer has changed it (section 4.2)', () => {
    const encoder = new HpackEncoder(cache);
    const decoder = new HpackDecoder();
    const send = () => {
      const block = encodeWith(encoder, SERVER);
      assert.deepEqual(decode(decoder, block).fields, [['server', 'something']]);
      return formatHex(block);
    };
    send();
    assert.equal(send(), 'be');
    encoder.resize(100_000);
    assert.equal(send(), 'be');
    encoder.resize(0);
    encoder.resize(4096);
    assert.match(send(), /^203fe11f76/);
    assert.equal(send(), 'be');
    encoder.resize(47);
    assert.equal(send(), '3f10be');
    encoder.resize(46);
    assert.match(send(), /^3f0f0f/);
    encoder.resize(0);
    assert.match(send(), /^200f/);
    assert.match(send(), /^0f/);
    encoder.resize(4096);
    assert.match(send(), /^3fe11f76/);
  });

  it('has every status', () => {
    const encoder = new HpackEncoder(cache);
    for (let status = 100; status < 1000; status++) {
      const block = out.slice(0, encoder.emitStatus(out, 0, status));
      assert.deepEqual(decode(new HpackDecoder(), block).fields, [[':status', String(status)]]);
      assert.equal(block.length === 1, [200, 204, 206, 304, 400, 404, 500].includes(status));
    }
  });

  it('leaves lines out of the table that differ each time, and does not lose those that do not', () => {
    const encoder = new HpackEncoder(cache);
    const decoder = new HpackDecoder();
    for (let i = 0; i < 20_000; i++) {
      const lines = `X-Id: ${i}\r\nServer: something\r\nX-Long: ${'a'.repeat(LINE_BYTES_MAX)}\r\n`;
      const block = encodeWith(encoder, lines);
      if (i > 1) assert.equal(block.includes(0xbe), true, String(i));
      assert.equal(decode(decoder, block).fields.length, 3);
    }
  });

  it('knows the static names', () => {
    assert.equal(staticName(1), ':authority');
    assert.equal(staticName(61), 'www-authenticate');
    for (const name of ['accept-charset', 'Content-Type', 'www-authenticate', 'via']) {
      const block = encodeWith(new HpackEncoder(cache), `${name}: ${name}\r\n`);
      assert.equal(block[0], 0x0f, name);
      assert.equal(staticName(block[1] + 15), name.toLowerCase());
    }
    assert.equal(encodeWith(new HpackEncoder(cache), 'x: x\r\n')[0], 0);
  });
});
