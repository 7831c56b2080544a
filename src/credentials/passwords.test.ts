/** Passwords: what is found, what is kept, and who waits. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { crypt, HAS_CRYPT } from '../io/linux/crypt.ts';
import { parseBasic } from './authorization.ts';
import { clientOf } from './guesses.ts';
import { hashFault } from './hash-faults.ts';
import { isPassword } from './password-hash.ts';
import { type Attempt, Passwords } from './passwords.ts';
import { parseUsers } from './user-file.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const HASHES = [
  '{PLAIN}password',
  '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=',
  '{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0',
  '$apr1$salt$Xxd1irWT9ycqoYxGFn4cb.',
];
/** Of perl's crypt(). */
const SYSTEM_HASHES = [
  'sa3tHJ3/KuYvI',
  '$1$salt$qJH7.N4xYta3aEG/dfqo/0',
  '$5$saltstring$OH4IDuTlsuTYPdED1gsuiRMyTAwNlRWyA6Xr3I4/dQ5',
  '$6$rounds=5000$saltstring$adDbXsJjcDlq2662QPgd.tkSOVmnG9Tt3oXl4HR60SusC3AGjirnDenVZp3DGwLwqy6iYKCzannhaX9DR72nN1',
  '$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu',
];

test('a hash is of one password alone', () => {
  for (const hash of [...HASHES, ...(HAS_CRYPT ? SYSTEM_HASHES : [])]) {
    assert.ok(isPassword(bytes('password'), hash, crypt), hash);
    for (const other of ['', 'passwore', 'Password', 'p', 'password\0x'])
      assert.ok(!isPassword(bytes(other), hash, crypt), `${hash} ${other}`);
    assert.equal(hashFault(hash, true), null, hash);
  }
});

test('$apr1$ of passwords and salts of every length is that of OpenSSL', () => {
  for (const length of [1, 7, 8, 15, 16, 17, 31, 33, 70]) {
    const password = 'Pä sswort:$'.repeat(9).slice(0, length);
    for (const salt of ['x', 'abcdefgh']) {
      const hash = execFileSync('openssl', ['passwd', '-apr1', '-salt', salt, '-stdin'], { input: password });
      assert.ok(isPassword(Buffer.from(password), hash.toString().trim(), crypt), `${salt} ${password}`);
    }
  }
});

test('by what is no hash nobody comes', () => {
  const broken = [
    '$1$',
    '$apr1$',
    '{SHA}Zm9vCg==',
    '{SSHA}Zm9vCg==',
    '{SSHA}_____wQadOA1e+/f+T+H3eCQQhRzYWx0',
    '*',
    '*0',
    '',
  ];
  for (const hash of [...broken, '{SHA}', '{SHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0', 'password', '$9$x$y', '!$6$x'])
    for (const password of ['', 'password', '*0', '1']) assert.ok(!isPassword(bytes(password), hash, crypt), hash);
  // a hash that takes for ever is not begun
  for (const hash of ['$2y$31$abcdefghijklmnopqrstuu', '$6$rounds=999999999$x$y', '', 'password', '!$6$x'])
    assert.notEqual(hashFault(hash, true), null, hash);
  assert.notEqual(hashFault(SYSTEM_HASHES[0], false), null);
});

test('a hash that takes for ever, or all of the memory, is not begun', () => {
  const long = ['$sha1$4000000000$abcdefgh$x', '$md5,rounds=4000000000$abcdefgh$$x', '$6$rounds=999999999$x$y'];
  const large = ['$y$jFT$abcdefgh$x', '$y$jCz$abcdefgh$x', '$gy$jKT$abcdefgh$x', '$y$j9T/0$abcdefgh$x', '$y$'];
  for (const hash of [...long, ...large, '$7$LU..../....abc$x', '$7$CUz.../....abc$x', '$7$CU....zzzzzabc$x'])
    assert.match(hashFault(hash, true) ?? '', /takes? too long/, hash);
  const modest = ['$y$j9T$abcdefgh$x', '$y$jDT$abcdefgh$x', '$y$j75$abcdefgh$x', '$gy$j9T$abcdefgh$x'];
  for (const hash of [...modest, '$7$CU..../....abc$x', '$sha1$262144$abcdefgh$x', '$md5,rounds=5000$abcdefgh$$x'])
    assert.equal(hashFault(hash, true), null, hash);
});

test('a file of users, as nginx reads it', () => {
  const text = '# a:b\nann:{PLAIN}a:comment\r\nbob:$6$x#y\n\nno colon\nann:{PLAIN}second\n:empty\nlast:{PLAIN} z';
  assert.deepEqual(
    [...parseUsers(text)],
    [
      ['ann', '{PLAIN}a'],
      ['bob', '$6$x'],
      ['', 'empty'],
      ['last', '{PLAIN} z'],
    ],
  );
});

/** `name|password`. */
function of(...fields: string[]): string | null {
  const said = parseBasic(fields);
  return said === null ? null : `${said.name}|${Buffer.from(said.password).toString('latin1')}`;
}

function basic(text: string): string {
  return `Basic ${Buffer.from(text, 'latin1').toString('base64')}`;
}

test('what a client says', () => {
  assert.equal(of('Host', 'a', 'authorization', basic('ann:a:b')), 'ann|a:b');
  assert.equal(of('Authorization', basic('\xe4:')), '\xe4|');
  assert.equal(of('Authorization', basic('ann:x').replace('Basic ', 'bASIC   ')), 'ann|x');
  for (const fields of [
    [],
    ['Authorization', 'Bearer abc'],
    ['Authorization', 'Basic'],
    ['Authorization', 'Basic ***'],
    // servers would hear of ann
    ['Authorization', basic('ann :x')],
    ['Authorization', basic(' ann:x')],
    ['Authorization', basic('ann')],
    ['Authorization', basic('a\nb:x')],
    ['Authorization', basic('ann:x'), 'AUTHORIZATION', basic('bob:x')],
    ['X', basic('ann:x')],
  ])
    assert.equal(of(...fields), null, fields.join());
});

test('one client is an address, and of IPv6 a network', () => {
  assert.equal(clientOf('192.0.2.1'), '192.0.2.1');
  assert.equal(clientOf('2001:db8:1:2:3:4:5:6'), clientOf('2001:db8:1:2::9'));
  assert.notEqual(clientOf('2001:db8:1:2::9'), clientOf('2001:db8:1:3::9'));
  assert.equal(clientOf('2001:db8::1'), '2001:db8:0:0');
  assert.equal(clientOf('::1'), '0:0:0:0');
});

/** One hash at a time, which ends when it is told to. */
class Desk {
  now = 0;
  readonly hashed: string[] = [];
  readonly passwords: Passwords;
  private readonly open: (() => void)[] = [];

  constructor(isSlow = true) {
    const hasher = async (password: Uint8Array, hash: string): Promise<boolean> => {
      const text = Buffer.from(password).toString();
      this.hashed.push(text);
      if (isSlow) await new Promise<void>((resolve) => this.open.push(resolve));
      return `{PLAIN}${text}` === hash;
    };
    this.passwords = new Passwords(hasher, 1, () => this.now);
  }

  check(attempt: Partial<Omit<Attempt, 'password'>> & { password: string }, users = 'ann:{PLAIN}right\nbob:{PLAIN}b') {
    const { client = '192.0.2.1', name = 'ann' } = attempt;
    return this.passwords.check(parseUsers(users), { client, name, password: bytes(attempt.password) });
  }

  async finish(): Promise<void> {
    this.open.shift()?.();
    await tick();
  }
}

test('what was found is kept, and not beyond another hash', async () => {
  const desk = new Desk(false);
  for (let i = 0; i < 3; i++) {
    assert.equal(await desk.check({ password: 'right' }), 'right');
    assert.equal(await desk.check({ password: 'wrong' }), 'wrong');
  }
  assert.deepEqual(desk.hashed, ['right', 'wrong']);
  assert.equal(await desk.check({ password: 'right' }, 'ann:{PLAIN}other'), 'wrong');
  assert.equal(await desk.check({ password: 'right' }, 'bob:{PLAIN}other'), 'wrong');
  assert.equal(await desk.check({ name: 'bob', password: 'right' }), 'wrong');
  assert.equal(await desk.check({ password: 'right' }), 'right');
});

test('a name that nobody has is hashed as others are, and nobody comes with it', async () => {
  const desk = new Desk(false);
  // with the password of the one whose hash is taken
  assert.equal(await desk.check({ name: 'nobody', password: 'right' }), 'wrong');
  assert.deepEqual(desk.hashed, ['right']);
  assert.equal(await desk.check({ password: 'right' }, ''), 'wrong');
});

test('who says the same at one time is looked at once', async () => {
  const desk = new Desk();
  const all = Promise.all(Array.from({ length: 50 }, () => desk.check({ password: 'right' })));
  await tick();
  await desk.finish();
  assert.deepEqual([...new Set(await all)], ['right']);
  assert.equal(desk.hashed.length, 1);
});

test('who guesses is slowed, and nobody else: neither others, nor who is in already', async () => {
  const desk = new Desk(false);
  assert.equal(await desk.check({ password: 'right' }), 'right');
  let wrong = 0;
  for (let i = 0; i < 100; i++) if ((await desk.check({ password: `guess ${i}` })) === 'wrong') wrong++;
  assert.equal(wrong, 20);
  assert.equal(await desk.check({ password: 'right' }), 'right');
  assert.equal(await desk.check({ name: 'bob', password: 'b', client: '192.0.2.2' }), 'right');
  // not even a right one is looked at
  assert.equal(await desk.check({ name: 'bob', password: 'c' }), 'too-many');
  desk.now += 60_000;
  for (let i = 0; i < 100; i++) if ((await desk.check({ password: `more ${i}` })) === 'wrong') wrong++;
  assert.equal(wrong, 40);
});

test('the same wrong password again is no other guess', async () => {
  const desk = new Desk(false);
  for (let i = 0; i < 100; i++) assert.equal(await desk.check({ password: 'old' }), 'wrong');
  assert.equal(await desk.check({ password: 'right' }), 'right');
});

test('a client with many waits for others, and what is too much is its own', async () => {
  const desk = new Desk();
  const decided: string[] = [];
  const note = (name: string, password: string, client: string): void =>
    void desk.check({ name, password, client }).then((decision) => decided.push(`${password} ${decision}`));
  for (let i = 0; i < 300; i++) note('ann', `guess ${i}`, '192.0.2.9');
  await tick();
  // one is being looked at, and for 256 there is room
  assert.equal(decided.filter((one) => one.endsWith('too-many')).length, 43);
  note('bob', 'b', '192.0.2.3');
  await tick();
  assert.equal(decided.filter((one) => one.endsWith('too-many')).length, 44);
  assert.ok(!decided.some((one) => one.startsWith('b ')));
  for (let i = 0; i < 3; i++) await desk.finish();
  assert.ok(decided.includes('b right'), decided.slice(44).join());
});

test('a hash that cannot be made is no answer', async () => {
  const passwords = new Passwords(
    () => Promise.reject(new Error('no thread')),
    1,
    () => 0,
  );
  const attempt = { client: '', name: 'a', password: bytes('b') };
  await assert.rejects(passwords.check(parseUsers('a:b'), attempt), /no thread/);
  await assert.rejects(passwords.check(parseUsers('a:b'), attempt), /no thread/);
});
