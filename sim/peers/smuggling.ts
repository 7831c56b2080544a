/**
 * Requests that must not be passed on, because two readers could disagree on where they end or for whom they are
 * (RFC 9112 sections 2.2, 3.2, 5, 6.3, 7.1 and 11.2). Behind each follows, in the same bytes, a request for /smuggled: if a
 * server ever sees it, somebody took for a request what somebody else took for a body, or read on where it had to stop.
 */

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: any.test\r\nX-Sim: none\r\n\r\n';

const POST = 'POST /hostile HTTP/1.1\r\nHost: any.test\r\n';
const GET = 'GET /hostile HTTP/1.1\r\nHost: any.test\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

/** Refused by the head alone. */
const HEADS: readonly string[] = [
  // the length, said twice or wrongly
  `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
  `${POST}Content-Length: 5, 6\r\n\r\nhello!`,
  `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  `${POST}Content-Length: -5\r\n\r\n`,
  `${POST}Content-Length: +5\r\n\r\nhello`,
  `${POST}Content-Length: 0x5\r\n\r\nhello`,
  `${POST}Content-Length: 5 5\r\n\r\nhello`,
  `${POST}Content-Length: 5a\r\n\r\nhello`,
  `${POST}Content-Length: 99999999999999999999\r\n\r\nhello`,
  `${POST}Content-Length: 18446744073709551621\r\n\r\nhello`,
  `${POST}Content-Length:\r\n\r\n`,
  `${POST}Content-Length: 1e1\r\n\r\nhello`,
  `${POST}Content-Length: "5"\r\n\r\nhello`,
  // a coding that is not chunked, or only looks like it
  `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding: identity\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n`,
  `${POST} Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `${POST}X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `${POST}X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `${POST}X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding: chunked\n\r\n0\r\n\r\n`,
  `${POST}\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-Encoding: \0chunked\r\n\r\n0\r\n\r\n`,
  `${POST}Transfer-\0Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `${POST}(Transfer-Encoding): chunked\r\n\r\n0\r\n\r\n`,
  'POST /hostile HTTP/1.0\r\nHost: any.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  // lines that end in doubt
  'GET /hostile HTTP/1.1\nHost: any.test\n\n',
  'GET /hostile HTTP/1.1\r\nHost: any.test\r\n\n',
  'GET /hostile HTTP/1.1\r\nHost: any.test\n\r\n',
  'GET /hostile HTTP/1.1\rHost: any.test\r\r',
  `${GET}X: a\x01b\r\n\r\n`,
  `${GET}X: a\x7fb\r\n\r\n`,
  `${GET}X: a\0b\r\n\r\n`,
  `${GET}: nameless\r\n\r\n`,
  `${GET}no colon\r\n\r\n`,
  `${GET}X Y: z\r\n\r\n`,
  `${GET}X\x80: z\r\n\r\n`,
  // for whom
  'GET /hostile HTTP/1.1\r\n\r\n',
  'GET /hostile HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n',
  'GET /hostile HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n',
  'GET /hostile HTTP/1.1\r\nHost: a test\r\n\r\n',
  'GET /hostile HTTP/1.1\r\nHost: a.test/x\r\n\r\n',
  'GET /hostile HTTP/1.1\r\nHost: user@a.test\r\n\r\n',
  'GET /hostile HTTP/1.1\r\nHost: a.test:80:80\r\n\r\n',
  'GET /hostile HTTP/1.1\r\nHost: a.test:x\r\n\r\n',
  'GET http://b.test/hostile HTTP/1.1\r\nHost: a.test\r\n\r\n',
  'GET hostile HTTP/1.1\r\nHost: any.test\r\n\r\n',
  'CONNECT any.test:443 HTTP/1.1\r\nHost: any.test:443\r\n\r\n',
  // the first line
  'GET  /hostile HTTP/1.1\r\nHost: any.test\r\n\r\n',
  'GET /hostile  HTTP/1.1\r\nHost: any.test\r\n\r\n',
  'GET /hostile HTTP/1.1 \r\nHost: any.test\r\n\r\n',
  ' GET /hostile HTTP/1.1\r\nHost: any.test\r\n\r\n',
  'GET\t/hostile\tHTTP/1.1\r\nHost: any.test\r\n\r\n',
  'GET /hos tile HTTP/1.1\r\nHost: any.test\r\n\r\n',
  'GET /hostile HTTP/2.0\r\nHost: any.test\r\n\r\n',
  'GET /hostile HTTP/0.9\r\nHost: any.test\r\n\r\n',
  'GET /hostile http/1.1\r\nHost: any.test\r\n\r\n',
  'GET /hostile HTTP/01.1\r\nHost: any.test\r\n\r\n',
  'GET /hostile\r\nHost: any.test\r\n\r\n',
  'GET /hostile\x01 HTTP/1.1\r\nHost: any.test\r\n\r\n',
  'G(T /hostile HTTP/1.1\r\nHost: any.test\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
];

/** Refused in the body; a server may have seen the head, but never the end of the message. */
const BODIES: readonly string[] = [
  `${CHUNKED}5\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}5\r\nhello\n0\r\n\r\n`,
  `${CHUNKED}5\r\nhello0\r\n\r\n`,
  `${CHUNKED}5\r\nhelloXX0\r\n\r\n`,
  `${CHUNKED}5 \r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED} 5\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}-5\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}+5\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}5_\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}5;\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}5;a=\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}5;a\nb\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}5;a\0b\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}5;a="b\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}5;a="\n"\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}5\rX\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}ffffffffffffffff\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}10000000000000005\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}zz\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}5\r\nhello\r\n0\n\n`,
  `${CHUNKED}5\r\nhello\r\n0\r\n\n`,
  `${CHUNKED}5\r\nhello\r\n0\r\nX : y\r\n\r\n`,
  `${CHUNKED}5\r\nhello\r\n0\r\nX: y\n\r\n`,
  `${CHUNKED}5\r\nhello\r\n0\r\nX: \0\r\n\r\n`,
  `${CHUNKED}5\r\nhello\r\n0\r\n X: y\r\n\r\n`,
  `${CHUNKED}5\r\nhello\r\n0\r\nno colon\r\n\r\n`,
];

export const SMUGGLING: readonly string[] = [...HEADS, ...BODIES].map((message) => message + SMUGGLED);
