/** The same as transport.test.ts, as on kernels before 6.7: no limit of a receive, no options of sockets on the ring. */
import { transportContract } from '../transport-contract.ts';
import { probeUring } from './probe.ts';
import { createUringTransport } from './transport.ts';

const probe = probeUring();
const skip = probe.ok ? undefined : probe.reason;

const older = { receiveLimit: 0, submitsOptions: false };

transportContract('io_uring of an older kernel', (shape) => createUringTransport({ ...shape, ...older }), {
  skip,
  passesBulk: true,
});
