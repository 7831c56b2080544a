import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { findUser, groupsOfUser, isGroup, isUser } from './users.ts';

const skip = process.platform === 'linux' ? false : 'needs Linux';

test('users and groups are those of the machine, with what a directory service adds to a user', { skip }, () => {
  assert.deepEqual(findUser('root'), { uid: 0, gid: 0 });
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n').filter(Boolean)) {
    const [name, , uid, gid] = line.split(':');
    assert.deepEqual(findUser(name), { uid: Number(uid), gid: Number(gid) }, line);
    assert.ok(isUser(Number(uid)), line);
    const groups = spawnSync('id', ['-G', name], { encoding: 'utf8' }).stdout.trim().split(' ').map(Number);
    assert.deepEqual(new Set(groupsOfUser(name, Number(gid))), new Set(groups), line);
  }
  for (const line of readFileSync('/etc/group', 'utf8').split('\n').filter(Boolean)) {
    assert.ok(isGroup(Number(line.split(':')[2])), line);
  }
});

test('who is not there is nobody', { skip }, () => {
  assert.equal(findUser('no-such-user'), null);
  // A number is no name.
  assert.equal(findUser('0'), null);
  assert.ok(!isUser(4_000_000_001));
  assert.ok(!isGroup(4_000_000_001));
  assert.deepEqual(groupsOfUser('no-such-user', 4_000_000_001), [4_000_000_001]);
});
