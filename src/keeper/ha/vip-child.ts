/** A vip process as the keeper sees it: a child with a control channel. What it says and its end come as calls. */
import { systemReason } from '../../base/system-error.ts';
import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { ControlLines, encodeLine } from '../../port/control.ts';
import { EXIT_OTHER_PROGRAM, OTHER_PROGRAM } from '../proxies/proxy-arguments.ts';
import { type KeeperToVip, parseVipToKeeper, VIP_LINE_BYTES_MAX, type VipToKeeper } from '../../vip/messages.ts';

/** What a vip process inherits, and under which descriptors. */
export const VIP_CONTROL_DESCRIPTOR = 3;
export const VIP_BOARD_DESCRIPTOR = 4;
export const VIP_LIFELINE_DESCRIPTOR = 5;
/** The keeper's stderr. */
export const VIP_LOG_DESCRIPTOR = 6;
export const VIP_WATCHED_DESCRIPTOR = 7;

export interface VipChildHandler {
  handleMessage(message: VipToKeeper): void;
  /** Called once, after everything it has said. */
  handleGone(reason: string): void;
}

/**
 * `first`: takes part when it is told to. `standby`: also when the one that it stands by for is gone. `heir`: that one is another
 * keeper's, and it goes on in its place only once that keeper has no other one.
 */
export type VipSpawnRole = 'first' | 'standby' | 'heir';

/** A process that was started, and the end of its lifeline for the process that is to hear of its death at once. */
export interface VipSpawned {
  readonly process: ChildProcess;
  readonly lifeline: number;
}

export class VipChild {
  /** Has given everything up as it was told to, and ends. */
  hasStopped = false;
  /** It has ended, for it is not of this program. */
  isOtherProgram = false;
  readonly lifeline: number;
  private readonly child: ChildProcess;

  constructor({ process, lifeline }: VipSpawned, handler: VipChildHandler) {
    this.child = process;
    this.lifeline = lifeline;
    let isGone = false;
    const gone = (reason: string): void => {
      if (isGone) return;
      isGone = true;
      handler.handleGone(reason);
    };
    // `close` follows `exit` when the control channel has been read to its end. What a frozen machine buffers is little.
    process.on('close', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `killed by ${signal}`;
      this.isOtherProgram = code === EXIT_OTHER_PROGRAM;
      gone(this.isOtherProgram ? OTHER_PROGRAM : how);
    });
    process.on('error', (error) => gone(systemReason(error)));
    const lines = new ControlLines(VIP_LINE_BYTES_MAX);
    this.control?.on('data', (data: Buffer) => {
      lines.push(data, 0, data.length, (line) => {
        const message = line === null ? null : parseVipToKeeper(line);
        if (message === null) return;
        if (message.type === 'stopped') this.hasStopped = true;
        handler.handleMessage(message);
      });
    });
    // It breaks when the process dies, which `close` tells.
    this.control?.on('error', () => undefined);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  send(message: KeeperToVip): void {
    if (this.control?.writable === true) this.control.write(encodeLine(message));
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Undefined too if the process could not be started for want of descriptors. */
  private get control(): Duplex | undefined {
    return (this.child.stdio as typeof this.child.stdio | undefined)?.[VIP_CONTROL_DESCRIPTOR] as Duplex | undefined;
  }
}
