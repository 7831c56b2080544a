import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readServerText } from './server-text.ts';

test('a text names a server, its port, and what is asked of it', () => {
  assert.deepEqual(readServerText('Shop.example', 'http'), {
    host: 'shop.example',
    family: null,
    port: 80,
    authority: 'Shop.example',
    hasPort: false,
    target: '',
  });
  assert.deepEqual(readServerText('http://192.0.2.1:8080/a?b', 'http'), {
    host: '192.0.2.1',
    family: 4,
    port: 8080,
    authority: '192.0.2.1:8080',
    hasPort: true,
    target: '/a?b',
  });
  assert.equal(readServerText('[2001:DB8::1]:443', 'https')?.host, '2001:db8::1');
  assert.equal(readServerText('[2001:DB8::1]:443', 'https')?.authority, '[2001:DB8::1]');
  assert.equal(readServerText('a?b=/', 'http')?.target, '/?b=/');
  assert.equal(readServerText('a_b-c:1', 'http')?.port, 1);
});

test('a text that could mean anything else names none', () => {
  const wrong = [
    '',
    '/',
    ':80',
    'a:0',
    'a:65536',
    'a:b',
    'a b',
    'a@b',
    'user@host',
    'http:/a',
    'https://a',
    'unix:/run/x',
    'a#b',
  ];
  for (const text of [
    ...wrong,
    '[::1',
    '::1',
    '[a]',
    '[192.0.2.1]',
    '..',
    'a..b',
    '.a',
    'a'.repeat(254),
    'a\nb',
    'é',
  ]) {
    assert.equal(readServerText(text, 'http'), null, text);
  }
  assert.equal(readServerText('http://a', 'https'), null);
});
