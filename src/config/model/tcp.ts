/** What a listener of TCP does by the values of a connection: to which upstream it goes, or what its client is told. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { TcpBandwidth } from './bandwidth.ts';
import { anyText, duration, integer, key, name, required, template, variableName } from './scalars.ts';

const onlyTcp = 'Only for `protocol: tcp`.';

const Target = z.strictObject({
  upstream: key(name, 'They go to this upstream.'),
  respond: key(template, 'Their clients get this text.'),
});

const Choose = z.strictObject({
  by: required(template, 'Text with values of the connection in it.', '{tls-server-name}'),
  cases: required(
    z.record(anyText('text', 'mail.example'), Target),
    'By that text, compared without regard to case: what becomes of connections. `upstream`, or `respond`.',
    { 'mail.example': { upstream: 'mail' } },
  ),
});

const Tries = z.strictObject({
  attempts: key(
    integer(1, 16),
    'Servers in all that a connection is tried with, the first included: 1 is no other one.',
    DEFAULTS.listener.tries.attempts,
  ),
  within: key(duration('1ms', '1h'), 'No other one is tried after this time. Without it there is no limit.'),
});

/** Keys of a listener. */
export const tcpKeys = {
  bandwidth: key(TcpBandwidth, `How fast the bytes of each connection go on. [Bandwidth](../bandwidth.md). ${onlyTcp}`),
  tries: key(
    Tries,
    `Which servers a connection is tried with: after one that cannot be connected to comes another. ${onlyTcp}`,
  ),
  set: key(z.record(variableName, template), `By name: gives values, \`{value:name}\`, in this order. ${onlyTcp}`),
  choose: key(Choose, `Where connections go, by their values. Those that no case fits go on as without it. ${onlyTcp}`),
  respond: key(
    template,
    `Clients get this text, and no server: then the connection is closed. Values of the connection may stand in it. ${onlyTcp}`,
  ),
};

export type TcpTargetConfig = z.infer<typeof Target>;
