import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { RefreshQueue } from './refresh-queue.ts';

interface Task {
  readonly memory: SharedArrayBuffer;
  /** Ends with an error instead of performing this one. */
  readonly failsAt: number;
}

// The thread's end: tells what it performs.
if (!isMainThread) {
  const { memory, failsAt } = workerData as Task;
  let count = 0;
  new RefreshQueue(memory).serve((messages) => {
    if (count++ === failsAt) throw new Error('as it was told to');
    parentPort!.postMessage(messages, [messages.buffer as ArrayBuffer]);
  });
}

function startThread(failsAt = Infinity): { readonly queue: RefreshQueue; readonly worker: Worker } {
  const memory = new SharedArrayBuffer(RefreshQueue.bytes);
  const worker = new Worker(new URL(import.meta.url), { workerData: { memory, failsAt } satisfies Task });
  return { queue: new RefreshQueue(memory), worker };
}

/** The thread serves after a while, and the memory is full now and then. */
async function pushAtLast(queue: RefreshQueue, messages: Uint8Array): Promise<void> {
  while (!queue.push(messages)) await new Promise(setImmediate);
}

if (isMainThread) {
  test('what nobody takes is refused', () => {
    const queue = new RefreshQueue(new SharedArrayBuffer(RefreshQueue.bytes));
    assert.equal(queue.push(new Uint8Array(8)), false);
    queue.settle();
  });

  test('everything arrives once, in its order, also where the memory begins again', async () => {
    const { queue, worker } = startThread();
    const arrived: Uint8Array[] = [];
    worker.on('message', (messages: Uint8Array) => arrived.push(messages));
    const pushed = Array.from({ length: 300 }, (_, i) => new Uint8Array((i * 997) % 5_000).fill(i));
    for (const messages of pushed) await pushAtLast(queue, messages);
    queue.settle();
    while (arrived.length < pushed.length) await once(worker, 'message');
    assert.deepEqual(arrived, pushed);
    await worker.terminate();
  });

  test('what does not fit is refused', async () => {
    const { queue, worker } = startThread();
    await pushAtLast(queue, new Uint8Array(1));
    assert.equal(queue.push(new Uint8Array(RefreshQueue.bytes)), false);
    await worker.terminate();
  });

  test('a thread that ends is not waited for, and given nothing more', async () => {
    const { queue, worker } = startThread(1);
    const ended = once(worker, 'error');
    await pushAtLast(queue, Uint8Array.of(1));
    // It may have ended already.
    queue.push(Uint8Array.of(2));
    queue.settle();
    await ended;
    assert.equal(queue.push(Uint8Array.of(3)), false);
    queue.settle();
  });
}
