/** Joins the keeper's end of the virtual addresses with this machine: how a vip process is started, and how it is mourned. */
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { type Capability, lendCapabilities } from '../io/linux/capabilities.ts';
import { createLifeline } from '../io/linux/lifeline.ts';
import { createSharedMemory, openSharedMemory } from '../io/linux/shared-memory.ts';
import { LinuxSegmentHost } from '../io/linux/segment/linux-segment-host.ts';
import { PUNCTUAL_NODE_OPTIONS } from '../io/linux/segment/punctuality.ts';
import { bootTimeUs } from '../io/linux/segment/system.ts';
import {
  VIP_BOARD_DESCRIPTOR,
  VIP_CONTROL_DESCRIPTOR,
  VIP_LIFELINE_DESCRIPTOR,
  VIP_LOG_DESCRIPTOR,
  VIP_WATCHED_DESCRIPTOR,
} from '../keeper/ha/vip-child.ts';
import type { VipLinkOptions } from '../keeper/ha/vip-link.ts';
import { VipBoard } from '../vip/board.ts';
import { releaseRouters } from '../vip/release.ts';

const STDERR = 2;
/** The last one is for real-time scheduling, and may be missing. */
const RIGHTS: readonly Capability[] = ['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYS_NICE'];

export type VipMachine = Pick<
  VipLinkOptions,
  'board' | 'boardDescriptor' | 'spawn' | 'createLifeline' | 'closeLifeline' | 'release' | 'cleanUp' | 'nowUs'
>;

/**
 * `program` is the interpreter and the main file. `runDirectory` is where changes to the machine are written down.
 * `boardDescriptor`: of the predecessor's board, which is gone on with; null: there is none. `keepsStderr`: what is written there is read for as
 * long as the keeper runs; a daemon leaves it to whoever has started it, who waits for its end.
 */
export function createVipMachine(
  program: readonly [string, string],
  runDirectory: string,
  boardDescriptor: number | null,
  keepsStderr: boolean,
): VipMachine {
  const memory =
    boardDescriptor === null
      ? createSharedMemory('evenkeel-vip', VipBoard.bytes, 'holder')
      : { descriptor: boardDescriptor, buffer: openSharedMemory(boardDescriptor, 'write') };
  const [interpreter, main] = program;
  const withHost = (use: (host: LinuxSegmentHost) => void): void => {
    // Nobody waits for its descriptors: everything is done when this returns.
    const readable = { add: () => undefined, remove: () => undefined };
    const host = new LinuxSegmentHost({ readable, note: () => undefined, runDirectory, refreshes: null });
    try {
      use(host);
    } finally {
      host.close();
    }
  };
  return {
    board: new VipBoard(memory.buffer),
    boardDescriptor: memory.descriptor,
    spawn(role, watched) {
      const stdio: (number | 'ignore' | 'pipe')[] = ['ignore', 'ignore', 'pipe'];
      stdio[VIP_CONTROL_DESCRIPTOR] = 'pipe';
      stdio[VIP_BOARD_DESCRIPTOR] = memory.descriptor;
      const { heldEnd, watchedEnd } = createLifeline();
      stdio[VIP_LIFELINE_DESCRIPTOR] = heldEnd;
      stdio[VIP_LOG_DESCRIPTOR] = keepsStderr ? STDERR : 'ignore';
      if (watched !== null) stdio[VIP_WATCHED_DESCRIPTOR] = watched;
      try {
        // Its own session: what a terminal sends to the foreground group (Ctrl-C) is for the keeper to handle.
        const options = { stdio, detached: true } as const;
        const args = [...PUNCTUAL_NODE_OPTIONS, main, '__vip', runDirectory, role];
        const process = lendCapabilities(RIGHTS, () => spawn(interpreter, args, options));
        return { process, lifeline: watchedEnd };
      } catch (error) {
        closeSync(watchedEnd);
        throw error;
      } finally {
        closeSync(heldEnd);
      }
    },
    createLifeline,
    closeLifeline: closeSync,
    release: (routers) => withHost((host) => releaseRouters(routers, host, () => host.update())),
    cleanUp: (killed) => withHost((host) => host.removeLeftovers(killed)),
    nowUs: bootTimeUs,
  };
}
