import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDialogue, type DialogueProbe } from './create.ts';
import { type Verdict, evidence } from './dialogue.ts';

interface Talk {
  readonly sent: string;
  readonly verdict: Verdict | null;
}

/** A conversation with a server whose bytes come in pieces of `size`. */
function talk(plan: DialogueProbe, answers: readonly Buffer[], size: number): Talk {
  const dialogue = createDialogue(plan);
  let sent = Buffer.from(dialogue.opening ?? []);
  let received = Buffer.alloc(0);
  for (const answer of answers) {
    for (let at = 0; at < answer.length; at += size) {
      received = Buffer.concat([received, answer.subarray(at, at + size)]);
      const reply = dialogue.handle(received);
      if (reply === null) continue;
      if (reply.send !== null) sent = Buffer.concat([sent, reply.send]);
      if (reply.verdict !== null) return { sent: sent.toString('latin1'), verdict: reply.verdict };
    }
  }
  return { sent: sent.toString('latin1'), verdict: null };
}

function mysqlPacket(sequence: number, payload: string): Buffer {
  const bytes = Buffer.from(payload, 'latin1');
  return Buffer.concat([Buffer.from([bytes.length, 0, 0, sequence]), bytes]);
}

const DNS = { kind: 'dns', name: 'a.example' } as const;

/** The header of an answer to DNS's query, with these flags. */
function dnsAnswer(high: number, low: number, answers: number): Buffer {
  const id = [...createDialogue(DNS).opening!.subarray(0, 2)];
  return Buffer.from([...id, high, low, 0, 1, 0, answers, 0, 0, 0, 0]);
}

function postgresMessage(kind: string, payload: string): Buffer {
  const bytes = Buffer.from(payload, 'latin1');
  const head = Buffer.alloc(5);
  head.write(kind);
  head.writeInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

const MYSQL = { kind: 'mysql', user: 'health' } as const;
const GREETING = mysqlPacket(0, '\x0a8.4.2\x00\x01\x00\x00\x00salt');
const POSTGRES = { kind: 'postgres', user: 'health' } as const;

const TALKS: readonly (readonly [DialogueProbe, readonly Buffer[], isPassed: boolean | null, reason: string])[] = [
  [MYSQL, [GREETING, mysqlPacket(2, '\x00\x00\x00\x02\x00')], true, 'greeting: 8.4.2'],
  [
    MYSQL,
    [GREETING, mysqlPacket(2, '\xfecaching_sha2_password\x00salt'), mysqlPacket(4, '\x00')],
    true,
    'greeting: 8.4.2',
  ],
  [MYSQL, [GREETING, mysqlPacket(2, '\x01\x03'), mysqlPacket(3, '\x00')], true, 'greeting: 8.4.2'],
  [MYSQL, [mysqlPacket(0, '\xff\x69\x04Host is blocked')], false, 'ERR 1129 Host is blocked'],
  [MYSQL, [GREETING, mysqlPacket(2, '\xff\x15\x04#28000Access denied')], false, 'ERR 1045 Access denied'],
  [MYSQL, [GREETING, mysqlPacket(2, '\x01\x04')], false, 'user health cannot log in without a password'],
  [MYSQL, [mysqlPacket(0, 'hello')], false, "the greeting is not MySQL's: hello"],
  [MYSQL, [GREETING], null, ''],
  [POSTGRES, [postgresMessage('R', '\0\0\0\x0aSCRAM-SHA-256\0\0')], true, 'it authenticates clients'],
  [POSTGRES, [postgresMessage('R', '\0\0\0\0')], true, 'it authenticates clients'],
  [
    POSTGRES,
    [postgresMessage('E', 'SFATAL\0C57P03\0Mthe database system is starting up\0\0')],
    false,
    'the database system is starting up (57P03)',
  ],
  [POSTGRES, [Buffer.from('HTTP/1.1 400\r\n')], false, "the answer is not PostgreSQL's: H"],
  [{ kind: 'redis' }, [Buffer.from('+PONG\r\n')], true, 'redis: PONG'],
  [
    { kind: 'redis' },
    [Buffer.from('-NOAUTH Authentication required.\r\n')],
    true,
    'redis: NOAUTH Authentication required.',
  ],
  [{ kind: 'redis' }, [Buffer.from('-LOADING Redis is loading\r\n')], false, 'redis: LOADING Redis is loading'],
  [{ kind: 'redis' }, [Buffer.from('hello\r\n')], false, "the answer is not Redis's: hello"],
  [{ kind: 'ssh' }, [Buffer.from('SSH-2.0-OpenSSH_9.6\r\n')], true, 'greeting: SSH-2.0-OpenSSH_9.6'],
  [{ kind: 'ssh' }, [Buffer.from('welcome\r\nSSH-2.0-x\n')], true, 'greeting: SSH-2.0-x'],
  [{ kind: 'ssh' }, [Buffer.from('Exceeded MaxStartups\r\n')], false, 'greeting: Exceeded MaxStartups'],
  [{ kind: 'ssh' }, [Buffer.from('SSH-1.5-old\r\n')], false, 'the greeting is not of SSH 2: SSH-1.5-old'],
  [{ kind: 'ssh' }, [Buffer.from('SSH-2.0-half')], null, ''],
  [DNS, [dnsAnswer(0x80, 0x80, 2)], true, 'NOERROR, 2 answers'],
  [DNS, [dnsAnswer(0x81, 0x83, 0)], false, 'NXDOMAIN, 0 answers'],
  [DNS, [dnsAnswer(0x81, 0x85, 0)], false, 'REFUSED, 0 answers'],
  [DNS, [dnsAnswer(0x01, 0x00, 0)], null, ''],
  [DNS, [Buffer.from('something else, and long enough')], null, ''],
  [
    { kind: 'expect', send: null, expect: '^220 ', transport: 'tcp' },
    [Buffer.from('220 mail ESMTP\r\n')],
    true,
    'answer: 220',
  ],
  [{ kind: 'expect', send: 'EHLO x\r\n', expect: '^250', transport: 'tcp' }, [Buffer.from('220 ')], null, ''],
];

for (const [plan, answers, isPassed, reason] of TALKS) {
  test(`${plan.kind}: ${reason || 'more is waited for'}`, () => {
    for (const size of [1, 2, 7, 1000]) {
      const { verdict } = talk(plan, answers, size);
      if (isPassed === null) assert.equal(verdict, null);
      else {
        assert.equal(verdict?.isPassed, isPassed);
        // how much of the text is here depends on the pieces
        assert.ok(verdict?.reason.startsWith(reason), `${verdict?.reason} ${size}`);
      }
    }
  });
}

test('a DNS query is as RFC 1035 wants it', () => {
  const query = Buffer.from(createDialogue(DNS).opening!).subarray(2);
  assert.equal(query.toString('latin1'), '\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01');
  assert.equal(createDialogue({ kind: 'dns', name: '.' }).opening!.length, 17);
});

test('each leaves as its protocol asks', () => {
  assert.ok(talk(MYSQL, TALKS[0][1], 1000).sent.endsWith('\x01\x00\x00\x00\x01'));
  assert.equal(talk({ kind: 'redis' }, [Buffer.from('+PONG\r\n')], 9).sent, '*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n');
  assert.ok(talk(POSTGRES, [postgresMessage('R', '\0\0\0\0')], 99).sent.endsWith('X\0\0\0\x04'));
  const ssh = Buffer.from(talk({ kind: 'ssh' }, [Buffer.from('SSH-2.0-x\r\n')], 99).sent, 'latin1');
  const packet = ssh.subarray(ssh.indexOf('\n') + 1);
  // RFC 4253 section 6: the length counts all behind it, the whole is a multiple of 8, padding is 4 bytes or more
  assert.equal(packet.readUInt32BE(0), packet.length - 4);
  assert.equal(packet.length % 8, 0);
  assert.ok(packet[4] >= 4);
  assert.deepEqual([...packet.subarray(5, 10)], [1, 0, 0, 0, 11]);
});

test('evidence is one line that can be shown', () => {
  assert.equal(evidence(Buffer.from('a\r\nb\x1b[31m')), 'a??b?[31m');
  assert.equal(evidence(Buffer.alloc(1000, 0x78)).length, 123);
});
