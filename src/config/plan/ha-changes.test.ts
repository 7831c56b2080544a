import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileHa, NO_KEY_FILES } from '../compile/ha.ts';
import { haChanges } from './ha-changes.ts';
import type { HaPlan } from './ha.ts';
import { loadYaml } from '../yaml/load.ts';

const BASE = `
ha:
  VI_1:
    interface: eth0
    router-id: 50
    priority: 150
    addresses: [192.168.15.3/24]
    track: [{ script: { run: [/bin/check] } }, { interface: eth1 }]
    guard: { gateway: 192.168.15.1 }
    notify: { active: [/bin/active] }
  VI_2: { interface: eth1, router-id: 51, addresses: [10.0.0.3/24] }
`;

function planOf(text: string): HaPlan | null {
  const { config, diagnostics } = loadYaml(text, { file: 'test', node: 'lb01' });
  assert.ok(config !== null, diagnostics.map(({ message }) => message).join('; '));
  return compileHa(config, 'lb01', NO_KEY_FILES);
}

function change(line: string): string {
  return `virtual router VI_1: ${line}`;
}

function changes(from: string, to: string): readonly string[] {
  const text = BASE.replace(from, to);
  assert.notEqual(text, BASE);
  return haChanges(planOf(BASE), planOf(text));
}

test('the same text changes nothing, and neither does another order of routers', () => {
  assert.deepEqual(haChanges(planOf(BASE), planOf(BASE)), []);
  const second = BASE.slice(BASE.indexOf('  VI_2'));
  const turned = BASE.replace(second, '').replace('ha:\n', `ha:\n${second}`);
  assert.deepEqual(haChanges(planOf(BASE), planOf(turned)), []);
});

test('what was added, removed and changed, in the words of the configuration', () => {
  assert.deepEqual(changes('priority: 150', 'priority: 151'), [change('priority changed')]);
  assert.deepEqual(changes('[192.168.15.3/24]', '[192.168.15.3/24, 192.168.15.4/24]'), [
    change('address 192.168.15.4/24 added'),
  ]);
  assert.deepEqual(changes('192.168.15.3/24', '192.168.15.9/24'), [
    change('address 192.168.15.9/24 added'),
    change('address 192.168.15.3/24 removed'),
  ]);
  assert.deepEqual(changes('[/bin/check]', '[/bin/other]'), [change('track changed')]);
  assert.deepEqual(changes('    guard: { gateway: 192.168.15.1 }\n', ''), [change('guard changed')]);
  assert.deepEqual(changes('[/bin/active]', '[/bin/other]'), [change('notify changed')]);
  assert.deepEqual(changes('router-id: 50', 'router-id: 50\n    advertise: 100ms'), [
    change('advertise changed'),
    change('guard changed'),
  ]);
  assert.deepEqual(changes(BASE.slice(BASE.indexOf('  VI_2')), ''), ['virtual router VI_2 removed']);
  assert.deepEqual(haChanges(null, planOf(BASE)), ['virtual router VI_1 added', 'virtual router VI_2 added']);
});
