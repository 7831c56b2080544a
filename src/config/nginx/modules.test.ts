import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configureArguments } from './modules.ts';

test('modules are those whose directives have their meaning', () => {
  const all = configureArguments();
  assert.ok(all.includes('--with-stream'));
  assert.ok(all.includes('--without-http_fastcgi_module'));
  assert.ok(!all.includes('--without-http_proxy_module'));
  assert.ok(!all.includes('--without-http_rewrite_module'));
});
