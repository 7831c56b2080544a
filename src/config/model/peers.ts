/** The `peers` part of the model: the nodes that are linked to each other. The same on all of them. */
import * as z from 'zod';
import { fingerprint, required, server } from './scalars.ts';

export const Peer = z.strictObject({
  address: required(
    server,
    'Where its peers reach it, and where it listens for them: an IP address and a port.',
    '192.0.2.11:7946',
  ),
  fingerprint: required(fingerprint, 'Of its key, as `evenkeel identity` says on that node.'),
});
