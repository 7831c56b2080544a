/** A vip process as the keeper sees it: a child with a control channel. What it says and its end come as calls. */
import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { ControlLines, encodeLine } from '../port/control.ts';
import { type KeeperToVip, parseVipToKeeper, VIP_LINE_BYTES_MAX, type VipToKeeper } from '../vip/messages.ts';

/** What a vip process inherits, and under which descriptors. */
export const VIP_CONTROL_DESCRIPTOR = 3;
export const VIP_BOARD_DESCRIPTOR = 4;

export interface VipChildHandler {
  handleMessage(child: VipChild, message: VipToKeeper): void;
  /** Called once, after everything it has said. */
  handleGone(child: VipChild, reason: string): void;
}

export class VipChild {
  /** Waits for `begin`. */
  isReady = false;
  /** Takes part. */
  isStarted = false;
  /** When it was started, by the clock of whoever did. */
  readonly bornAt: number;
  private readonly child: ChildProcess;

  constructor(child: ChildProcess, bornAt: number, handler: VipChildHandler) {
    this.child = child;
    this.bornAt = bornAt;
    let isGone = false;
    const gone = (reason: string): void => {
      if (isGone) return;
      isGone = true;
      handler.handleGone(this, reason);
    };
    // `close` follows `exit` when the control channel has been read to its end. What a frozen machine buffers is little.
    child.on('close', (code, signal) => gone(signal === null ? `exit code ${code}` : `killed by ${signal}`));
    child.on('error', (error) => gone(error.message));
    const lines = new ControlLines(VIP_LINE_BYTES_MAX);
    this.control?.on('data', (data: Buffer) => {
      lines.push(data, 0, data.length, (line) => {
        const message = line === null ? null : parseVipToKeeper(line);
        if (message === null) return;
        if (message.type === 'ready') this.isReady = true;
        else if (message.type === 'started') this.isStarted = true;
        handler.handleMessage(this, message);
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

  private get control(): Duplex | undefined {
    return this.child.stdio[VIP_CONTROL_DESCRIPTOR] as Duplex | undefined;
  }
}
