import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networksOf, parseReply, protocolsOf, type Reply, refusalOf, versionOf } from './replies.ts';

/** What BIRD 2.0.12 sent, in one piece or as it comes. */
const PROTOCOLS = `2002-Name       Proto      Table      State  Since         Info
1002-device1    Device     ---        up     21:43:29.085  
1006-
1002-direct1    Direct     ---        up     21:43:29.085  
1006-  Channel ipv4
     State:          UP
     Preference:     240
 
1002-r          BGP        ---        up     21:43:32.972  Established   
1006-  BGP state:          Established
     Neighbor address: 10.9.0.254
     Neighbor AS:      65100
     Local AS:         65001
     Hold timer:       5.695/9
   Channel ipv4
     State:          UP
 
1002-r6         BGP        ---        start  2026-11-30    Active        Socket: Connection refused
1006-  BGP state:          Active
     Neighbor address: fe80::1%v1
     Neighbor AS:      65100
 
0000 
`;
const ROUTES = `1007-Table master4:
 192.0.2.2/32         unicast [direct1 21:55:20.991] * (240)
 	dev ek-leaving
 192.0.2.1/32         unicast [direct1 21:55:20.978] * (240)
 	dev ek-announce
 
 Table master6:
 2001:db8:10::10/128  unicast [direct1 21:55:20.996] * (240)
 	dev ek-announce
0000 
`;

function reply(text: string): Reply {
  const found = parseReply(text);
  assert.ok(found);
  return found;
}

test('protocols, with the neighbours of those of BGP', () => {
  assert.deepEqual(
    protocolsOf(reply(PROTOCOLS)).map(({ name, kind, isUp, since, info, neighbor, neighborAs }) =>
      [name, kind, isUp, since, info, neighbor, neighborAs].join(' '),
    ),
    [
      'device1 Device true 21:43:29.085   0',
      'direct1 Direct true 21:43:29.085   0',
      'r BGP true 21:43:32.972 Established 10.9.0.254 65100',
      'r6 BGP false 2026-11-30 Active        Socket: Connection refused fe80::1 65100',
    ],
  );
});

test('a row that is long takes no longer than it is', () => {
  const row = `1002-a b c d ${'e'.repeat(50_000)}${' '.repeat(50_000)}x\u2028y`;
  assert.equal(protocolsOf(reply(`${row}\n0000 \n`))[0].info, 'x\u2028y');
});

test('the networks of routes, of both tables', () => {
  assert.deepEqual(networksOf(reply(ROUTES)), ['192.0.2.2/32', '192.0.2.1/32', '2001:db8:10::10/128']);
  assert.deepEqual(networksOf(reply('0000 \n')), []);
});

test('a greeting, a refusal, and what is neither', () => {
  assert.equal(versionOf(reply('0001 BIRD 2.0.12 ready.\n0016 Access restricted\n')), '2.0.12');
  assert.equal(versionOf(reply('0001 something else\n')), null);
  assert.equal(refusalOf(reply('8007 Access denied\n')), 'Access denied');
  assert.equal(refusalOf(reply('0016 Access restricted\n')), null);
  for (const text of ['HTTP/1.1 400 Bad Request\r\n', '\n', ' more\n', '12 x\n'])
    assert.equal(parseReply(text), undefined);
});

test('a reply that is not whole is none yet, and what follows it is left', () => {
  for (let length = 0; length < ROUTES.length; length++) assert.equal(parseReply(ROUTES.slice(0, length)), null);
  assert.equal(reply(`${ROUTES}0000 \n`).length, ROUTES.length);
});
