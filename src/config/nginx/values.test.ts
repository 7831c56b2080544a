import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Regex } from '../../base/regex/regex.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { behindPrefix, translatePcre } from './pcre.ts';
import { parseNginxSize, parseTime } from './values.ts';
import { translateText } from './variables.ts';

test('times: descending units, bare seconds, milliseconds where they are possible', () => {
  const day = 86_400_000;
  assert.equal(parseTime('30'), 30_000);
  assert.equal(parseTime('1h 30m'), 5_400_000);
  assert.equal(parseTime('1h30m5'), 5_405_000);
  assert.equal(parseTime('500ms'), 500);
  assert.equal(parseTime('1d'), day);
  assert.equal(parseTime('1M', true), 30 * day);
  assert.equal(parseTime('1y', true), 365 * day);
  for (const bad of ['', 'x', '30m1h', '1s1s', '1M', '1y', '-1', '1.5s', '5 5'])
    assert.equal(parseTime(bad), null, bad);
  assert.equal(parseTime('500ms', true), null);
});

test('sizes: k and m, and g for offsets alone', () => {
  assert.equal(parseNginxSize('10'), 10);
  assert.equal(parseNginxSize('8k'), 8192);
  assert.equal(parseNginxSize('1M'), 2 ** 20);
  assert.equal(parseNginxSize('1g'), null);
  assert.equal(parseNginxSize('1G', true), 2 ** 30);
  for (const bad of ['', 'k', '-1', '1kb', '1.5m']) assert.equal(parseNginxSize(bad), null, bad);
});

function matches(pattern: string, text: string, isCaseless = false): boolean | string {
  const { regex, reason } = translatePcre(pattern, isCaseless);
  if (regex === null) return reason;
  const bytes = encodeUtf8(text);
  return new Regex(regex).test(bytes, 0, bytes.length);
}

test('what PCRE and ECMAScript write differently is written anew', () => {
  for (const [pattern, yes, no] of [
    ['\\.(gif|jpg)$', '/a.gif', '/agif'],
    ['^/a\\h+b', '/a\t b', '/ahb'],
    ['\\A/x\\z', '/x', '/xy'],
    ['[[:digit:]]x', '1x', 'ax'],
    ['^[]a]$', ']', 'b'],
    ['\\Qa.b\\E+', 'a.bb', 'axb'],
    ['(?i)ABC', 'abc', 'abd'],
    ['(?P<year>[0-9]{4})/', '2024/', '202/'],
    ['^/(?#comment)x', '/x', '/cx'],
    ['\\x41\\x{42}', 'AB', 'ab'],
    ['a\\/b\\-c', 'a/b-c', 'abc'],
    ['^(?!/private)', '/public', '/private'],
    ['a{,3}', 'a{,3}', 'aaa'],
    ['^www\\p{N}+$', 'www01', 'wwwa'],
    ['^\\pL\\P{L}[\\p{Lu}_]$', 'a1B', 'a1b'],
    ['^\\p{^N}\\p{P}\\p{S}$', 'a-+', '1-+'],
  ]) {
    assert.equal(matches(pattern, yes), true, `${pattern} ${yes}`);
    assert.equal(matches(pattern, no), false, `${pattern} ${no}`);
  }
  assert.equal(matches('^/Images/[a-f]+$', '/iMAGES/AbC', true), true);
  assert.equal(matches('^/Images/', '/images/'), false);
});

test('what only backtracking can do is refused, with the reason', () => {
  for (const pattern of [
    '(a)\\1',
    '(?<=a)b',
    '(?<!a)b',
    '(?>a+)b',
    'a++',
    'a*+',
    '(?R)',
    '(?(1)a)',
    '\\g1',
    '(*SKIP)a',
    '\\R',
    '\\p{Greek}',
    '[\\P{L}]',
    'a{1,2}+',
  ]) {
    const result = matches(pattern, 'ab');
    assert.equal(typeof result, 'string', pattern);
    assert.ok((result as string).length > 5, pattern);
  }
});

test('an expression behind a prefix', () => {
  const regex = new Regex(behindPrefix('/a.b/', '\\.php$'));
  const isMatch = (text: string): boolean => regex.test(encodeUtf8(text), 0, encodeUtf8(text).length);
  assert.equal(isMatch('/a.b/x.php'), true);
  assert.equal(isMatch('/axb/x.php'), false);
  assert.equal(isMatch('/a.b/x'), false);
});

test('variables are values of the model, and unknown ones are none', () => {
  const constants = new Map([['proxy_host', 'web:8080']]);
  assert.deepEqual(translateText('$scheme://${host}$request_uri', constants), { template: '{scheme}://{host}{uri}' });
  assert.deepEqual(translateText('$proxy_host', constants), { template: 'web:8080' });
  assert.deepEqual(translateText('$http_x_real_ip;$cookie_a;$arg_b', constants), {
    template: '{header:X-Real-Ip};{cookie:a};{query:b}',
  });
  assert.deepEqual(translateText('/x$is_args$args', constants), { template: '/x{question-mark}{args}' });
  assert.deepEqual(translateText('{"a": 1}', constants), { template: '{"a": 1}' });
  const tlvs = '$proxy_protocol_tlv_alpn $proxy_protocol_tlv_ssl_key_alg $proxy_protocol_tlv_0x000ae';
  assert.deepEqual(translateText(`${tlvs} $proxy_protocol_tlv_ssl_0x21`, constants, 'connection'), {
    template: '{proxy-tlv:alpn} {proxy-tlv:ssl-key-alg} {proxy-tlv:0xae} {proxy-tlv:ssl-0x21}',
  });
  assert.ok('problem' in translateText('$proxy_protocol_tlv_color', constants));
  assert.ok('problem' in translateText('$no_such', constants));
  assert.ok('problem' in translateText('a$', constants));
  assert.ok('problem' in translateText('{host}', constants));
});
