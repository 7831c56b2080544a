import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Connection, linuxRendezvous, RendezvousServer } from './rendezvous.ts';

const linux = { skip: process.platform === 'linux' ? false : 'needs Linux' };

function placeFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-rendezvous-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'place');
}

test('who listens is met, and known by its process id', linux, (t) => {
  const path = placeFor(t);
  assert.equal(linuxRendezvous.meet(path), null, 'nothing is there');
  const descriptor = linuxRendezvous.open(path)!;
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(linuxRendezvous.meet(path), null, 'nobody listens yet');
  const server = new RendezvousServer(descriptor);
  assert.equal(server.accept(), null);
  const meeting = linuxRendezvous.meet(path)!;
  assert.equal(meeting.pid, process.pid);
  meeting.send('who are you?');
  const visitor = server.accept()!;
  assert.deepEqual(visitor.receive(), { text: 'who are you?', descriptors: [] });
  assert.equal(visitor.receive(), null);
  meeting.close();
  assert.equal(visitor.receive(), 'gone');
  visitor.close();
  closeSync(descriptor);
  assert.equal(linuxRendezvous.meet(path), null, 'nobody listens any more');
});

test('descriptors come with what they were sent with', linux, (t) => {
  const path = placeFor(t);
  const server = new RendezvousServer(linuxRendezvous.open(path)!);
  const meeting = linuxRendezvous.meet(path)!;
  const visitor: Connection = server.accept()!;
  const file = openSync('/dev/null', 'r');
  visitor.send('none');
  visitor.send('two', [file, file]);
  visitor.send('none again');
  assert.deepEqual(meeting.receive(), { text: 'none', descriptors: [] });
  const packet = meeting.receive();
  assert.ok(packet !== null && packet !== 'gone');
  assert.equal(packet.text, 'two');
  assert.equal(packet.descriptors.length, 2);
  for (const each of packet.descriptors) {
    assert.equal(fstatSync(each).rdev, fstatSync(file).rdev);
    closeSync(each);
  }
  assert.deepEqual(meeting.receive(), { text: 'none again', descriptors: [] });
  closeSync(file);
  visitor.close();
  assert.equal(meeting.receive(), 'gone');
  meeting.close();
});

test('a path that is too long is no place', linux, (t) => {
  const path = `${placeFor(t)}${'x'.repeat(120)}`;
  assert.equal(linuxRendezvous.open(path), null);
  assert.equal(linuxRendezvous.meet(path), null);
});
