import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOf, nextQuestion } from './questions.ts';
import { parseReply, type Reply } from './replies.ts';

const INTERFACES = ['anycast', 'leaving'];
const ROUTES = 'show route where ifname = "anycast" || ifname = "leaving"';

function reply(text: string): Reply {
  const found = parseReply(text);
  assert.ok(found);
  return found;
}

const PROTOCOLS = reply(`2002-Name       Proto      Table      State  Since         Info
1002-direct1    Direct     ---        up     21:43:29.085  
1002-a          BGP        ---        up     21:43:32.972  Established   
1006-    Neighbor AS:      65100
1002-b          BGP        ---        start  21:43:32.972  Active        Socket: Connection refused
1002-c-d        BGP        ---        up     21:43:32.972  Established   
1002-e          BGP        ---        up     21:43:32.972  Established   
0000 
`);
const KNOWN = reply('1007-Table master4:\n 192.0.2.10/32        unicast [direct1 21:55:20.978] * (240)\n0000 \n');
const NONE = reply('0000 \n');

test('protocols are asked for, then routes, then those that each established session is told', () => {
  const replies: Reply[] = [];
  const questions: string[] = [];
  for (const next of [PROTOCOLS, KNOWN, KNOWN, NONE, NONE]) {
    const question = nextQuestion(INTERFACES, replies);
    if (question === null) break;
    questions.push(question);
    replies.push(next);
  }
  assert.deepEqual(questions, ['show protocols all', ROUTES, `${ROUTES} export a`, `${ROUTES} export e`]);
  const { sessions, hasDirect, known } = factsOf(replies);
  assert.deepEqual([hasDirect, known], [true, ['192.0.2.10/32']]);
  assert.deepEqual(
    sessions.map(({ name, told }) => [name, told]),
    [
      ['a', ['192.0.2.10/32']],
      ['b', null],
      // a name that cannot be written in a question
      ['c-d', null],
      ['e', []],
    ],
  );
});
