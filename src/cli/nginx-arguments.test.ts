import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNginxArguments } from './nginx-arguments.ts';

test('options share a dash, and values follow at once or as the next word', () => {
  const options = parseNginxArguments(['-tq', '-c', 'nginx.conf', '-p/srv/lb', '-g', 'daemon off;', '-e', 'e.log']);
  assert.ok(typeof options === 'object');
  const { isTest, isQuiet, isDump, file, prefix, directives, errorLog, signal } = options;
  assert.deepEqual({ isTest, isQuiet, isDump, signal }, { isTest: true, isQuiet: true, isDump: false, signal: null });
  assert.deepEqual(
    { file, prefix, directives, errorLog },
    { file: 'nginx.conf', prefix: '/srv/lb/', directives: 'daemon off;', errorLog: 'e.log' },
  );
});

test('-V shows the version too, -T tests too', () => {
  const options = parseNginxArguments(['-V', '-T', '-sreload']);
  assert.ok(typeof options === 'object');
  const { showsVersion, showsModules, isTest, isDump, signal } = options;
  assert.deepEqual([showsVersion, showsModules, isTest, isDump, signal], [true, true, true, true, 'reload']);
});

test('what nginx refuses is refused in its words', () => {
  assert.equal(parseNginxArguments(['-x']), 'invalid option: "x"');
  assert.equal(parseNginxArguments(['start']), 'invalid option: "start"');
  assert.equal(parseNginxArguments(['-s', 'restart']), 'invalid option: "-s restart"');
  assert.equal(parseNginxArguments(['-t', '-c']), 'option "-c" requires file name');
  assert.equal(parseNginxArguments(['-p']), 'option "-p" requires directory name');
  assert.equal(parseNginxArguments(['-g']), 'option "-g" requires parameter');
});
