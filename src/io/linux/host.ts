/** The keeper's view of Linux: `port/host.ts` over the files beside this one. */
import { closeSync, unlinkSync } from 'node:fs';
import type { Host } from '../../port/host.ts';
import { descriptorLimit } from './descriptor-limit.ts';
import { createSockets, listenOnSockets, openListeningSockets } from './listen.ts';
import { notifyServiceManager } from './service-manager.ts';
import { createSharedMemory, createUnnamedFile } from './shared-memory.ts';

export const linuxHost: Host = {
  descriptorLimit,
  listen: openListeningSockets,
  createSockets,
  listenOnSockets,
  createSharedMemory,
  createUnnamedFile,
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
};
