import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redacted, redactText } from './redact.ts';

test('passwords and tokens in texts are left out, and nothing else is', () => {
  for (const [text, shown] of [
    ['http /check?token=abc&x=1', 'http /check?token=(redacted)&x=1'],
    ['https://user:hunter2@db.example/x', 'https://(redacted)@db.example/x'],
    ['run /usr/bin/check --password=hunter2 --port 80', 'run /usr/bin/check --password=(redacted) --port 80'],
    ['run /usr/bin/check --db-password hunter2', 'run /usr/bin/check --db-password (redacted)'],
    ['GET /?access_key=abc;x', 'GET /?access_key=(redacted);x'],
    [
      'run /usr/bin/env PGPASSWORD=hunter2 DB_PASS=x RABBIT_AUTH_KEY=y check',
      'run /usr/bin/env PGPASSWORD=(redacted) DB_PASS=(redacted) RABBIT_AUTH_KEY=(redacted) check',
    ],
    ['run /bin/check --url=http://h/?token=x', 'run /bin/check --url=http://h/?token=(redacted)'],
    ['sent Authorization: Bearer abcdef.ghi', 'sent Authorization: Bearer (redacted)'],
  ]) {
    assert.equal(redactText(text), shown);
  }
  const others = [
    'http /healthz?x=1',
    'https://db.example/@user',
    'the certificate a.pem of listener web has expired',
    'GET /passwords?page=2',
    '/etc/evenkeel/auth.pem',
    'basic',
    'compass=north',
    'nobody has a token here',
    'mail to a@b.example',
  ];
  for (const text of others) assert.equal(redactText(text), text);
});

test('what has a secret name in a configuration is left out, and files of secrets stay named', () => {
  const config = {
    ha: { VI_1: { auth: { pass: '1111' }, priority: 100 } },
    listeners: {
      web: {
        tls: {
          certificates: [{ certificate: 'a.pem', key: 'a.key', 'passphrase-file': '/etc/a' }],
          'ticket-keys': ['/k'],
          'ticket-secret': '/s',
        },
        headers: {
          request: { set: { Authorization: 'Basic YWJj', 'X-Api-Key': 'k', 'X-Env': 'prod', Cookie: ['a=1', 'b=2'] } },
        },
      },
    },
    match: {
      header: { 'X-Api-Key': { exact: 'k' }, Cookie: { regex: 'sid' }, Host: { exact: 'h' } },
      query: { token: ['a'] },
    },
    upstreams: { auth: { servers: ['h:80'] } },
    env: ['/usr/bin/env', 'PGPASSWORD=hunter2'],
    checks: [['/bin/check', '--password', 'hunter2', '--port', '80']],
    hash: { cookie: 'sid' },
    url: 'http://u:p@h/',
  };
  assert.deepEqual(redacted(config), {
    ha: { VI_1: { auth: { pass: '(redacted)' }, priority: 100 } },
    listeners: {
      web: {
        tls: config.listeners.web.tls,
        headers: {
          request: {
            set: { Authorization: '(redacted)', 'X-Api-Key': '(redacted)', 'X-Env': 'prod', Cookie: '(redacted)' },
          },
        },
      },
    },
    match: {
      header: { 'X-Api-Key': '(redacted)', Cookie: '(redacted)', Host: { exact: 'h' } },
      query: { token: '(redacted)' },
    },
    upstreams: { auth: { servers: ['h:80'] } },
    env: ['/usr/bin/env', 'PGPASSWORD=(redacted)'],
    checks: [['/bin/check', '--password', '(redacted)', '--port', '80']],
    hash: { cookie: 'sid' },
    url: 'http://(redacted)@h/',
  });
});

test('a long text of a client holds nobody up, whatever it is made of', () => {
  // a search that is quadratic would take hours
  for (const piece of ['-', 'a-', '://', '?', 'token', 'pass', 'token ', 'basic', '-auth-', '=']) {
    const text = piece.repeat(2_000_000 / piece.length);
    assert.ok(redactText(`${text} --token x`).endsWith(' --token (redacted)'), piece);
  }
});
