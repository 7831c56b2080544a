import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { withoutAbsentScripts } from './absent-scripts.ts';

const { username: user } = userInfo();
const there = { run: ['/bin/sh', '-c', 'true'], user };
const absent = { run: ['/nowhere/check'], user };
const config = {
  upstreams: {
    a: {
      servers: [
        '192.0.2.1:80',
        { address: '192.0.2.2:80', health: absent },
        { address: '192.0.2.3:80', health: there },
      ],
    },
    b: { servers: ['192.0.2.4:80'], health: absent },
    c: { servers: ['192.0.2.5:80'], health: { tcp: true as const } },
  },
};

test('a server of a keepalived.conf is not checked by a program that is not there', () => {
  assert.deepEqual(
    withoutAbsentScripts(config, () => 'keepalived'),
    {
      upstreams: {
        a: { servers: ['192.0.2.1:80', { address: '192.0.2.2:80' }, { address: '192.0.2.3:80', health: there }] },
        b: { servers: ['192.0.2.4:80'] },
        c: config.upstreams.c,
      },
    },
  );
});

test('in YAML it fails', () => {
  assert.equal(
    withoutAbsentScripts(config, () => 'yaml'),
    config,
  );
});
