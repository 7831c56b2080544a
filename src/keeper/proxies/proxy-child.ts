/** One proxy process as its keeper has it: its control channel, its descriptor channel, its end. */
import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { systemReason } from '../../base/system-error.ts';
import {
  ControlLines,
  encodeControl,
  type KeeperMessage,
  parseProxyMessage,
  type ProxyMessage,
  type SessionsWay,
} from '../../port/control.ts';
import type { DescriptorChannel } from '../../port/host.ts';
import type { SessionEnd } from './session-moves.ts';
import { CONTROL_DESCRIPTOR, EXIT_OTHER_PROGRAM, OTHER_PROGRAM } from './proxy-arguments.ts';

export interface ProxyChildHandler {
  /** Null: what came is not a valid message. */
  handleMessage(message: ProxyMessage | null): void;
  /** It has not read what it was told for so long that no more can be said to it. */
  handleDeaf(): void;
  handleChannelError(reason: string): void;
  /** The process is gone, or could not be started. Called once. */
  handleExit(reason: string): void;
  /** Before that: it ended because the program on disk is no longer this one. */
  handleOtherProgram(): void;
}

/** What one proxy may leave unread, beyond what the kernel holds for it. */
const UNREAD_BYTES_MAX = 64 * 1024;

export class ProxyChild {
  private readonly process: ChildProcess;
  private readonly channel: DescriptorChannel;
  private readonly handler: ProxyChildHandler;
  /** What it says counts. */
  private isHeard = true;

  /** Owns our end of `channel`. */
  constructor(process: ChildProcess, channel: DescriptorChannel, handler: ProxyChildHandler) {
    this.process = process;
    this.channel = channel;
    this.handler = handler;
    let isGone = false;
    const gone = (reason: string): void => {
      if (isGone) return;
      isGone = true;
      channel.close();
      this.hangUp();
      handler.handleExit(reason);
    };
    process.on('exit', (code, signal) => {
      const isOther = code === EXIT_OTHER_PROGRAM;
      if (isOther) handler.handleOtherProgram();
      const how = signal === null ? `exit code ${code}` : `killed by ${signal}`;
      gone(isOther ? OTHER_PROGRAM : how);
    });
    process.on('error', (error) => gone(systemReason(error)));

    const lines = new ControlLines();
    const { control } = this;
    control?.on('data', (data: Buffer) => {
      lines.push(data, 0, data.length, (line) => {
        if (this.isHeard) handler.handleMessage(line === null ? null : parseProxyMessage(line));
      });
    });
    // It breaks when the process dies, which `exit` tells.
    control?.on('error', (error) => handler.handleChannelError(systemReason(error)));
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** A proxy that is still starting reads it when it gets there. */
  send(message: KeeperMessage): void {
    const { control } = this;
    if (control?.writable !== true) return;
    if (control.writableLength > UNREAD_BYTES_MAX) this.handler.handleDeaf();
    else control.write(encodeControl(message));
  }

  /** Only if it has read what it was told before: so there may be any amount of it. */
  advise(message: KeeperMessage): void {
    if (this.control?.writableLength === 0) this.send(message);
  }

  /** The plan `generation`, with what belongs to it. False: the descriptors could not be sent. */
  apply(generation: number, descriptors: readonly number[]): boolean {
    if (!this.channel.send(descriptors)) return false;
    this.send({ type: 'apply', generation, descriptors: descriptors.length });
    return true;
  }

  /** These channels are for sessions of UDP (port/control.ts). False: they could not be sent. */
  handSessions(way: SessionsWay, channels: readonly SessionEnd[]): boolean {
    if (!this.channel.send(channels.map(({ descriptor }) => descriptor))) return false;
    this.send({ type: 'hand-sessions', way, sockets: channels.map(({ socket }) => socket) });
    return true;
  }

  kill(): void {
    this.hangUp();
    this.process.kill('SIGKILL');
  }

  /** Its own last words were read before its end was. Whoever else holds its end of the channel says nothing to us. */
  private hangUp(): void {
    this.isHeard = false;
    this.control?.destroy();
  }

  private get control(): Duplex | undefined {
    return this.process.stdio[CONTROL_DESCRIPTOR] as Duplex | undefined;
  }
}
