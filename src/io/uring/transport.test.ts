import { transportContract } from '../transport-contract.ts';
import { probeUring } from './probe.ts';
import { createUringTransport } from './transport.ts';

const probe = probeUring();
const skip = probe.ok ? undefined : probe.reason;

transportContract('io_uring', (shape) => createUringTransport(shape), { skip, passesBulk: true });
