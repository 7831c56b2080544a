/** The host of one keeper, over the simulated kernel: sockets, and the service manager's descriptor store. */
import { type Address, addressText } from '../../src/base/address.ts';
import type { Host } from '../../src/port/host.ts';
import { type Kernel, MANAGER } from './kernel.ts';

const missing = (): never => {
  throw new Error('the simulated keeper has no use for this');
};

/** `hasManager`: without a service manager nobody keeps anything. */
export function createHost(kernel: Kernel, owner: number, hasManager: boolean): Host {
  const kept = (name: string): readonly number[] => {
    return kernel.heldBy(MANAGER).filter((descriptor) => kernel.addressOf(descriptor) === name);
  };
  return {
    listen({ address }, copies) {
      const descriptors = Array.from({ length: copies }, () => kernel.listen(owner, addressText(address)));
      return { kind: 'listening', descriptors, note: null };
    },
    emptyQueues: (descriptors) => kernel.emptyQueues(descriptors),
    acceptAgain: (descriptors) => kernel.acceptAgain(descriptors),
    closeDescriptor: (descriptor) => kernel.close(descriptor),
    placeOf(descriptor) {
      return { address: parse(kernel.addressOf(descriptor)), isDual: false, isUdp: false };
    },
    takeKeptDescriptors: () => kernel.heldBy(MANAGER).map((descriptor) => kernel.copy(descriptor, owner)),
    keepDescriptors(name, descriptors) {
      if (!hasManager) return false;
      // One that it has already is not kept twice.
      const known = new Set(kept(name).map((descriptor) => kernel.identityOf(descriptor)));
      for (const descriptor of descriptors) {
        if (!known.has(kernel.identityOf(descriptor))) kernel.copy(descriptor, MANAGER);
      }
      return true;
    },
    forgetDescriptors(name) {
      for (const descriptor of kept(name)) kernel.close(descriptor);
    },
    setKeepAlive: () => undefined,
    removeSocketFile: () => undefined,
    notifyServiceManager: () => undefined,
    descriptorLimit: () => 1_000_000,
    createSharedMemory: missing,
    createUnnamedFile: missing,
    createDescriptorChannel: missing,
    createLinePair: () => null,
    createDescriptorPair: missing,
    openForwarder: missing,
  };
}

function parse(text: string): Address {
  const [host, port] = text.split(':');
  return { family: 4, host, port: Number(port) };
}
