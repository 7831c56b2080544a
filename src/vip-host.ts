/** Joins the keeper's end of the virtual addresses with this machine: how a vip process is started, and how it is mourned. */
import { spawn } from 'node:child_process';
import { createSharedMemory } from './io/linux/shared-memory.ts';
import { LinuxSegmentHost } from './io/linux/segment/linux-segment-host.ts';
import { PUNCTUAL_NODE_OPTIONS } from './io/linux/segment/punctuality.ts';
import { bootTimeUs } from './io/linux/segment/system.ts';
import { VIP_BOARD_DESCRIPTOR, VIP_CONTROL_DESCRIPTOR } from './keeper/vip-child.ts';
import type { VipLinkOptions } from './keeper/vip-link.ts';
import { VipBoard } from './vip/board.ts';
import { releaseRouters } from './vip/release.ts';

export type VipMachine = Pick<VipLinkOptions, 'board' | 'spawn' | 'release' | 'now' | 'nowUs'>;

/** `program` is the interpreter and the main file. `runDirectory` is where changes to the machine are written down. */
export function createVipMachine(program: readonly [string, string], runDirectory: string): VipMachine {
  const memory = createSharedMemory('evenkeel-vip', VipBoard.bytes);
  const [interpreter, main] = program;
  return {
    board: new VipBoard(memory.buffer),
    spawn() {
      const stdio: (number | 'ignore' | 'pipe')[] = ['ignore', 2, 2];
      stdio[VIP_CONTROL_DESCRIPTOR] = 'pipe';
      stdio[VIP_BOARD_DESCRIPTOR] = memory.descriptor;
      // Its own session: what a terminal sends to the foreground group (Ctrl-C) is for the keeper to handle.
      return spawn(interpreter, [...PUNCTUAL_NODE_OPTIONS, main, '__vip', runDirectory], { stdio, detached: true });
    },
    release(routers) {
      // Nobody waits for its descriptors: everything is done when this returns.
      const readable = { add: () => undefined, remove: () => undefined };
      const host = new LinuxSegmentHost({ readable, note: () => undefined, runDirectory });
      releaseRouters(routers, host, () => host.update());
      host.close();
    },
    now: () => performance.now(),
    nowUs: bootTimeUs,
  };
}
