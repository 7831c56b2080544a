/** The keeper's view of Linux: `port/host.ts` over the files beside this one. */
import { closeSync, unlinkSync } from 'node:fs';
import type { Host } from '../../port/host.ts';
import { createDescriptorChannel, sendDescriptors } from './descriptor-channel.ts';
import { descriptorLimit } from './descriptor-limit.ts';
import { setKeepAlive } from './keep-alive.ts';
import { acceptAgain, emptyQueues } from './listen-queue.ts';
import { openListeningSockets, placeOf } from './listen.ts';
import { ForwardingTable } from './nftables/forwarding-table.ts';
import { takeNginxSockets } from './nginx-sockets.ts';
import { descriptorName, notifyServiceManager, takeKeptDescriptors } from './service-manager.ts';
import { createSharedMemory, createUnnamedFile } from './shared-memory.ts';
import { SOCK_NONBLOCK, SOCK_SEQPACKET, socketPair } from './socket-messages.ts';

export const linuxHost: Host = {
  descriptorLimit,
  listen: openListeningSockets,
  createSharedMemory,
  createUnnamedFile,
  createDescriptorChannel() {
    const [own, other] = createDescriptorChannel();
    return {
      other,
      send: (descriptors) => sendDescriptors(own, descriptors),
      close: () => closeSync(own),
    };
  },
  createDescriptorPair() {
    const ends = socketPair(SOCK_SEQPACKET);
    return typeof ends === 'number' ? null : ends;
  },
  createLinePair() {
    const ends = socketPair(SOCK_SEQPACKET | SOCK_NONBLOCK);
    return typeof ends === 'number' ? null : ends;
  },
  setKeepAlive,
  emptyQueues,
  acceptAgain,
  closeDescriptor: closeSync,
  removeSocketFile(path) {
    try {
      unlinkSync(path);
    } catch {
      // Somebody was faster; the file is gone either way.
    }
  },
  notifyServiceManager(state) {
    notifyServiceManager(state, process.env.NOTIFY_SOCKET);
  },
  takeKeptDescriptors: () => [...takeKeptDescriptors(process.env, process.pid), ...takeNginxSockets(process.env)],
  placeOf,
  openForwarder: (name) => new ForwardingTable(name),
  keepDescriptors(name, descriptors) {
    return notifyServiceManager(`FDSTORE=1\nFDNAME=${descriptorName(name)}`, process.env.NOTIFY_SOCKET, descriptors);
  },
  forgetDescriptors(name) {
    notifyServiceManager(`FDSTOREREMOVE=1\nFDNAME=${descriptorName(name)}`, process.env.NOTIFY_SOCKET);
  },
};
