import { transportContract } from '../transport-contract.ts';
import { createNodeTransport } from './node-transport.ts';

transportContract('node', createNodeTransport, { dropsWhenExhausted: true });
