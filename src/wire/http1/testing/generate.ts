/** Messages for fuzzers: mostly almost right, made of the pieces that parsers of HTTP have been fooled with. */
import type { Prng } from '../../../base/prng.ts';

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'CONNECT', 'DELETE', 'get', 'GE T', ''];
const TARGETS = [
  '/',
  '/a?b',
  '/a/../b',
  '*',
  '/*',
  'http://a/',
  'http://a',
  'HTTPS://A:80/x?y',
  'http://b/',
  'http://u@a/',
  'http://a?b',
  'a:443',
  'a',
  '/#',
  '/\xe9',
  '//a',
  '',
];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.10', ''];
const HOSTS = [
  'a',
  'A',
  'a:80',
  'a:',
  ':80',
  '',
  'a,b',
  'a b',
  '[::1]',
  '[::1]:80',
  '[::1',
  '[1::2::3]',
  '[::1.2.3.4]',
  'a%20',
  'a%2',
  'a/b',
  '\xe9',
  'u@a',
  '1.2.3.4',
];
const LENGTHS = [
  '5',
  '0',
  '10',
  '+5',
  '-5',
  '5, 5',
  '5,6',
  ' 5 6',
  '0x5',
  '5.0',
  '',
  '9007199254740991',
  '9007199254740992',
  '18446744073709551621',
  '05',
  '5\x0b',
  '\xb5',
];
const CODINGS = [
  'chunked',
  'Chunked',
  'gzip, chunked',
  'chunked, gzip',
  'chunked, chunked',
  'identity',
  'xchunked',
  'chunked;q=1',
  '\x0bchunked',
  'chunked\0',
  '"chunked"',
  '',
  ',chunked',
  'chunked,',
];
const CONNECTIONS = [
  'close',
  'keep-alive',
  'Keep-Alive, Upgrade',
  'upgrade',
  'x-a',
  'close, X-A',
  'content-length',
  'Transfer-Encoding',
  'host',
  'a b',
  '',
  ',',
  'te',
];
const OTHERS = [
  'X-A: 1',
  'Accept: */*',
  'User-Agent: x y z',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'TE: trailers',
  'X-Forwarded-For: 1.2.3.4',
  'Cookie: a=b; c="d"',
  'Set-Cookie: a=b',
  'Content_Length: 5',
  'Transfer_Encoding: chunked',
  'X : y',
  ' X: y',
  '\tfolded',
  ': empty',
  'NoColon',
  'A\xe9: b',
  'A: \xe9',
  'Empty:',
  'Long-Name-Of-More-Than-32-Bytes-In-All: 1',
];
const LINE_ENDS = ['\n', '\r', '\r\r\n', '\n\r', '\r\n ', '\r\n\r\n', '', '\0\r\n'];
const BYTES = [
  0, 1, 9, 10, 11, 12, 13, 28, 32, 34, 35, 37, 43, 44, 45, 47, 48, 58, 59, 61, 63, 64, 91, 92, 93, 95, 127, 128, 133,
  160, 255,
];
const SIZES = [
  '5',
  '05',
  'a',
  'A',
  '0',
  '00',
  '1',
  '+5',
  '-5',
  '0x5',
  '5 ',
  ' 5',
  '',
  '5g',
  '20000000000000',
  '10000000000000005',
  '00000000000000005',
  '\xb5',
];
const EXTENSIONS = [
  '',
  ';a',
  ';a=b',
  ';a="b;c"',
  ';a="\\""',
  ';a="',
  ';',
  '; a',
  ' ;a',
  ';a =b',
  ';a=b\0',
  ';\x0b',
  ';a="\x7f"',
  ';a="\n"',
  ';a="\r\n"',
];

/** Any of them; mostly the first, which is the harmless one. */
function pick(prng: Prng, from: readonly string[]): string {
  return from[prng.oneIn(4) ? prng.below(from.length) : 0];
}

function anyOf(prng: Prng, from: readonly string[]): string {
  return from[prng.below(from.length)];
}

/** Mostly CR LF. */
function lineEnd(prng: Prng): string {
  return prng.oneIn(40) ? anyOf(prng, LINE_ENDS) : '\r\n';
}

function field(prng: Prng, name: string, values: readonly string[]): string {
  const spelling = prng.oneIn(4) ? name.toLowerCase() : prng.oneIn(20) ? name.toUpperCase() : name;
  const colon = prng.oneIn(40) ? anyOf(prng, [' :', '\t:', ':\t', ': \r\n ', ':\0']) : ': ';
  return spelling + colon + pick(prng, values);
}

function fieldLines(prng: Prng, required: readonly string[]): string {
  const lines = [...required];
  for (let count = prng.below(5); count > 0; count--) {
    switch (prng.below(6)) {
      case 0:
        lines.push(field(prng, 'Content-Length', LENGTHS));
        break;
      case 1:
        lines.push(field(prng, 'Transfer-Encoding', CODINGS));
        break;
      case 2:
        lines.push(field(prng, 'Connection', CONNECTIONS));
        break;
      case 3:
        if (prng.oneIn(4)) lines.push(field(prng, 'Host', HOSTS));
        break;
      default:
        lines.push(prng.oneIn(2) ? 'X-A: 1' : anyOf(prng, OTHERS));
    }
  }
  if (lines.length > 1 && prng.oneIn(2)) lines.push(lines.shift() as string);
  return lines.map((line) => line + lineEnd(prng)).join('');
}

/** A request's head. */
export function generateRequest(prng: Prng): string {
  const space = () => (prng.oneIn(60) ? anyOf(prng, ['  ', '\t', '', '\r\n']) : ' ');
  const lines = fieldLines(prng, prng.oneIn(20) ? [] : [field(prng, 'Host', HOSTS)]);
  const empty = prng.oneIn(10) ? '\r\n'.repeat(prng.below(6)) : '';
  const line = pick(prng, METHODS) + space() + pick(prng, TARGETS) + space() + pick(prng, VERSIONS);
  return empty + line + lineEnd(prng) + lines + lineEnd(prng);
}

/** A response's head. */
export function generateResponse(prng: Prng): string {
  const status = pick(prng, ['200', '204', '304', '100', '101', '500', '599', '600', '099', '20', '2000']);
  const reason = pick(prng, [' OK', ' Not Found', ' ', '', ' r\xe9', '  x', '\tOK', ' O\0K']);
  return `${pick(prng, VERSIONS)} ${status}${reason}${lineEnd(prng)}${fieldLines(prng, [])}${lineEnd(prng)}`;
}

/** A chunked body, its trailer section included. */
export function generateChunks(prng: Prng): string {
  let text = '';
  for (let count = prng.below(4); count > 0; count--) {
    const size = pick(prng, SIZES);
    const length = prng.oneIn(30) ? prng.below(8) : Number.parseInt(size, 16);
    const data = 'hello world 0123'.slice(0, Number.isNaN(length) ? 5 : length);
    text += size + pick(prng, EXTENSIONS) + lineEnd(prng) + data + lineEnd(prng);
  }
  return `${text}0${prng.oneIn(4) ? pick(prng, EXTENSIONS) : ''}${lineEnd(prng)}${lineEnd(prng)}`;
}

/** Changes a few bytes. Most texts stay as they are. */
export function mutate(prng: Prng, text: string): string {
  let result = text;
  for (let count = prng.below(8) - 4; count > 0; count--) {
    const at = prng.below(result.length + 1);
    const byte = prng.oneIn(3) ? prng.below(256) : BYTES[prng.below(BYTES.length)];
    const char = String.fromCharCode(byte);
    switch (prng.below(4)) {
      case 0:
        result = result.slice(0, at) + char + result.slice(at);
        break;
      case 1:
        result = result.slice(0, at) + result.slice(at + 1);
        break;
      case 2:
        result = result.slice(0, at) + char + result.slice(at + 1);
        break;
      default: {
        const length = prng.below(12);
        result = result.slice(0, at) + result.slice(prng.below(result.length + 1)).slice(0, length) + result.slice(at);
      }
    }
  }
  return result;
}

/** Random bytes, as text. */
export function generateBytes(prng: Prng, lengthMax: number): string {
  let text = '';
  for (let length = prng.below(lengthMax + 1); length > 0; length--) text += String.fromCharCode(prng.below(256));
  return text;
}
