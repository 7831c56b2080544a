import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findUnixFault } from './unix-reach.ts';

const user = { name: 'evenkeel', uid: 900, gid: 900, groups: [900, 33] };
const ROOT = { mode: 0o755, uid: 0, gid: 0 };

function fault(entries: Readonly<Record<string, { mode: number; uid: number; gid: number }>>): string | null {
  return findUnixFault('/run/php/php.sock', user, (path) => (path === '/' || path === '/run' ? ROOT : entries[path]));
}

test('a socket is reached by its owner, its group, or everybody, whichever comes first', () => {
  const php = '/run/php';
  const socket = '/run/php/php.sock';
  assert.equal(fault({ [php]: ROOT, [socket]: { mode: 0o660, uid: 33, gid: 33 } }), null, 'a supplementary group');
  assert.equal(fault({ [php]: ROOT, [socket]: { mode: 0o666, uid: 0, gid: 0 } }), null, 'everybody');
  assert.equal(fault({ [php]: ROOT, [socket]: { mode: 0o200, uid: 900, gid: 0 } }), null, 'the owner');
  assert.equal(
    fault({ [php]: ROOT, [socket]: { mode: 0o660, uid: 0, gid: 12 } }),
    'user evenkeel may not connect to /run/php/php.sock (mode 660, user 0, group 12): put it into that group, or open that to others',
  );
  assert.match(
    fault({ [php]: ROOT, [socket]: { mode: 0o606, uid: 0, gid: 33 } }) ?? '',
    /may not connect/,
    'the group goes first',
  );
});

test('every directory on the way must let it through', () => {
  const closed = { mode: 0o750, uid: 0, gid: 12 };
  const open = { mode: 0o666, uid: 0, gid: 0 };
  assert.match(fault({ '/run/php': closed, '/run/php/php.sock': open }) ?? '', /may not enter \/run\/php \(mode 750/);
});

test('a socket that is not there, or has no file, is no fault of permissions', () => {
  assert.equal(fault({ '/run/php': ROOT }), null);
  assert.equal(findUnixFault('@name', user), null);
});
