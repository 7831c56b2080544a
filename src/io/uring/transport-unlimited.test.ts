/** The same as transport.test.ts, as on kernels before 6.17. */
import { transportContract } from '../transport-contract.ts';
import { probeUring } from './probe.ts';
import { createUringTransport } from './transport.ts';

const probe = probeUring();
const skip = probe.ok ? undefined : probe.reason;

transportContract('io_uring without receive limit', (shape) => createUringTransport({ ...shape, receiveLimit: 0 }), {
  skip,
});
