/** What a turn may do to whoever begins it. */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import type { Flow, FlowHandler } from '../../port/datagram.ts';
import { NodeDatagrams } from './node-datagrams.ts';

/** A flow to `port`, which the turn closes that its event begins; and what its handler was told. */
async function closeInTurn(t: TestContext, port: number): Promise<readonly string[]> {
  const told: string[] = [];
  let turns = 0;
  let flow: Flow | null = null;
  const closed = new Promise<void>((resolve) => {
    const datagrams = new NodeDatagrams({
      beginTurn: () => {
        turns++;
        flow?.close();
        // after whatever follows in this event
        setImmediate(resolve);
      },
      addressOf: () => ({ family: 4, host: '127.0.0.1', port }),
      nextSourceOf: () => null,
      countFlow: () => undefined,
      isFull: false,
    });
    t.after(() => datagrams.drop());
    const handler: FlowHandler = {
      handleAnswer: () => told.push('answer'),
      handleFlowDropped: () => told.push('dropped'),
      handleUnreachable: () => told.push('unreachable'),
    };
    const opened = datagrams.open(0, handler, 0);
    assert.ok(typeof opened === 'object');
    flow = opened;
    flow.send(Uint8Array.of(1), 0, 1);
  });
  await closed;
  assert.equal(turns, 1);
  return told;
}

test('a flow that its own turn closes hears neither an answer nor that nobody is there', async (t) => {
  const server = dgram.createSocket('udp4', (bytes, { port }) => server.send(bytes, port));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  assert.deepEqual(await closeInTurn(t, port), []);
  server.close();
  await once(server, 'close');
  assert.deepEqual(await closeInTurn(t, port), []);
});
