/**
 * The thread of the vip process that lengthens the life of addresses. For that the kernel needs its lock for network
 * configuration (RTNL), which others hold for tens of milliseconds: while containers come and go, for example. The loop must
 * not wait for that, so it only says when; the thread does nothing by itself, and a loop that hangs has its addresses removed.
 *
 * What fails here is seen by its effect: an address that ends is missed by the loop, which puts it back and says why it cannot.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { NetlinkRequests } from './netlink-socket.ts';
import { becomePunctual } from './punctuality.ts';
import { RefreshQueue } from './refresh-queue.ts';

/** The queue is served once the thread has started. */
export function startRefreshThread(): RefreshQueue {
  const memory = new SharedArrayBuffer(RefreshQueue.bytes);
  const worker = new Worker(new URL(import.meta.url), { workerData: memory });
  worker.unref();
  return new RefreshQueue(memory);
}

function serve(memory: SharedArrayBuffer): never {
  // As the loop, which at the end waits for it.
  becomePunctual();
  const requests = new NetlinkRequests();
  return new RefreshQueue(memory).serve((messages) => requests.change(messages));
}

if (!isMainThread) serve(workerData as SharedArrayBuffer);
