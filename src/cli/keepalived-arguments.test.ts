import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKeepalivedArguments } from './keepalived-arguments.ts';

test('letters, long names, names cut short, and values in all their places', () => {
  const options = parseKeepalivedArguments([
    '-nlD',
    '-f/etc/k.conf',
    '--pid=/run/k.pid',
    '--vrrp_pid',
    '/run/v.pid',
    '-c',
    '/run/c.pid',
    '--dont-f',
    '-S',
    '3',
  ]);
  assert.ok(typeof options === 'object');
  const { staysInForeground, logsToConsole, isDetailed, file, pidFile, vrrpPidFile, checkersPidFile } = options;
  assert.deepEqual([staysInForeground, logsToConsole, isDetailed], [true, true, true]);
  assert.deepEqual(
    [file, pidFile, vrrpPidFile, checkersPidFile],
    ['/etc/k.conf', '/run/k.pid', '/run/v.pid', '/run/c.pid'],
  );
  assert.deepEqual(options.withoutEffect, ['--log-facility']);
});

test('the test of a file may name a log, and must do so at once', () => {
  for (const [args, test] of [
    [['-t'], ''],
    [['-t/tmp/log'], '/tmp/log'],
    [['--config-test'], ''],
    [['--config-test=/tmp/log'], '/tmp/log'],
  ] as const) {
    const options = parseKeepalivedArguments(args);
    assert.ok(typeof options === 'object');
    assert.equal(options.test, test);
  }
});

test('what keepalived refuses is refused in its words', () => {
  assert.equal(parseKeepalivedArguments(['--bogus']), 'Unknown option --bogus');
  assert.equal(parseKeepalivedArguments(['-Y']), 'Unknown option -Y');
  assert.equal(parseKeepalivedArguments(['-p']), 'Missing parameter for option -p');
  assert.match(parseKeepalivedArguments(['start']) as string, /^Unexpected argument/);
  assert.match(parseKeepalivedArguments(['-V']) as string, /--dont-release-vrrp is not supported/);
});
