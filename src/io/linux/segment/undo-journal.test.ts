import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Undo, UndoJournal } from './undo-journal.ts';

const SETTING: Undo = { kind: 'sysctl', name: 'net/ipv4/conf/eth0/arp_ignore', before: 0, set: 1 };
const LINK: Undo = { kind: 'link', name: 'vip4.2.50' };

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'evenkeel-journal-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'run');
}

function open(path: string): UndoJournal {
  return new UndoJournal(path, assert.fail);
}

/** Leaves the journal of a process with that id, started at that time; null: at another time than this one. */
function leaveBehind(path: string, pid: number, startTicks: number | null = null): void {
  open(path).add(SETTING);
  // Others may be there already, and a directory has no order.
  const file = readdirSync(path).find((name) => new RegExp(`-${process.pid}-\\d+\\.json$`).test(name))!;
  const own = JSON.parse(readFileSync(join(path, file), 'utf8')) as { startTicks: number };
  const journal = { pid, startTicks: startTicks ?? own.startTicks + 1, undo: [SETTING, LINK] };
  rmSync(join(path, file));
  writeFileSync(
    join(path, file.replace(/-\d+-\d+\.json$/, `-${pid}-${journal.startTicks}.json`)),
    JSON.stringify(journal),
  );
}

async function deadPid(): Promise<number> {
  const child = spawn('true');
  await once(child, 'close');
  return child.pid!;
}

test('what was added is in a file, and the file goes with the last of it', (t) => {
  const path = directory(t);
  const journal = open(path);
  journal.add(SETTING);
  journal.add(LINK);
  assert.equal(readdirSync(path).length, 1);
  assert.deepEqual(
    journal.find(({ kind }) => kind === 'link'),
    LINK,
  );
  journal.remove(({ kind }) => kind === 'sysctl');
  journal.remove(({ kind }) => kind === 'link');
  assert.deepEqual(readdirSync(path), []);
});

test('a link that lies where the file is written first is not followed', (t) => {
  const path = directory(t);
  open(path).add(SETTING);
  const [name] = readdirSync(path);
  const target = join(path, '..', 'target');
  writeFileSync(target, 'of somebody else');
  symlinkSync(target, join(path, `${name}.new`));
  open(path).add(LINK);
  assert.equal(readFileSync(target, 'utf8'), 'of somebody else');
  assert.deepEqual(readdirSync(path), [name]);
});

test('a successor undoes what it does not go on with, once', async (t) => {
  const path = directory(t);
  leaveBehind(path, await deadPid());
  const journal = open(path);
  journal.add({ ...SETTING, before: 7 });
  assert.deepEqual(journal.takeLeftBehind(), [LINK]);
  assert.equal(readdirSync(path).length, 1);
  assert.deepEqual(open(path).takeLeftBehind(), []);
});

test('what a living process has written is left alone', (t) => {
  const path = directory(t);
  const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8').replace(/^.*\) /s, '');
  leaveBehind(path, process.ppid, Number(stat.split(' ')[19]));
  const journal = open(path);
  assert.deepEqual(journal.takeLeftBehind(), []);
  assert.equal(readdirSync(path).length, 1);
  assert.ok(journal.isSharedWithLiving(SETTING));
  assert.deepEqual(
    journal.elsewhere().find(({ kind }) => kind === 'link'),
    LINK,
  );
  // It was killed just now, and is still there.
  assert.deepEqual(journal.takeLeftBehind([process.ppid]), [SETTING, LINK]);
});

test('what a dead process has left behind is not undone while a living one wants the same', async (t) => {
  const path = directory(t);
  leaveBehind(path, await deadPid());
  const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8').replace(/^.*\) /s, '');
  leaveBehind(path, process.ppid, Number(stat.split(' ')[19]));
  assert.deepEqual(open(path).takeLeftBehind(), []);
  assert.equal(readdirSync(path).length, 1);
});

test('a process id that is used again is another process', (t) => {
  const path = directory(t);
  leaveBehind(path, process.pid);
  assert.deepEqual(open(path).takeLeftBehind(), [SETTING, LINK]);
  assert.deepEqual(readdirSync(path), []);
});

test('a file that is torn, and a directory that is not there, are nothing', (t) => {
  const path = directory(t);
  assert.deepEqual(open(path).takeLeftBehind(), []);
  assert.equal(existsSync(path), false);
  open(path).add(SETTING);
  const [file] = readdirSync(path);
  writeFileSync(join(path, file.replace(`-${process.pid}-`, '-1-')), '{"pid":');
  assert.deepEqual(open(path).takeLeftBehind(), []);
});

test('a directory that cannot be written is told once', () => {
  const notes: string[] = [];
  const journal = new UndoJournal('/dev/null/evenkeel', (message) => notes.push(message));
  journal.add(SETTING);
  journal.add(LINK);
  assert.equal(notes.length, 1);
  assert.match(notes[0], /^cannot write to \/dev\/null\/evenkeel/);
});
