/**
 * What two keepers of one evenkeel say to each other: one JSON object per line over a connected socket. They are of different
 * versions: what is not understood is left out, and a message only ever gets further fields.
 */
import net from 'node:net';
import { ControlLines, encodeLine } from '../../port/control.ts';
import type { CountMemory } from './former-counts.ts';

export type GenerationMessage =
  // from the successor
  /** It can run the configuration: send what it inherits. */
  | { readonly type: 'hello'; readonly version: string; readonly pid: number }
  /** Every proxy of it serves, at these addresses. */
  | { readonly type: 'serving'; readonly addresses: readonly string[] }
  /** Its process goes on with the virtual addresses when the other one is gone. */
  | { readonly type: 'standing-by' }
  | { readonly type: 'failed'; readonly reason: string }
  /** This one is in charge now: whoever is the parent of all passes signals on to it. */
  | { readonly type: 'in-charge'; readonly pid: number }
  /** Finish within this time. */
  | { readonly type: 'finish'; readonly graceMs: number }
  // from the predecessor
  /** So many descriptors were sent before; the first is a file that holds an Inheritance. */
  | { readonly type: 'inherit'; readonly descriptors: number }
  /** There is no other process left here that would go on with the virtual addresses: have one stand by for them. */
  | { readonly type: 'stand-by' }
  /** It is in charge from now on. `memory`: one more descriptor was sent before, a file that holds LastWords. */
  | { readonly type: 'take-over'; readonly memory?: boolean }
  /** What it has counted since it has given way, and has not said yet. */
  | { readonly type: 'counted'; readonly counts: CountMemory }
  /** Nothing is left that it could finish. */
  | { readonly type: 'finished' };

export interface GenerationLinkHandler {
  handleMessage(message: GenerationMessage): void;
  /** The other one is gone. Called once. */
  handleGone(): void;
}

export class GenerationLink {
  /** For who takes the link over. */
  readonly descriptor: number;
  /** Who hears it now. */
  handler: GenerationLinkHandler;
  private readonly socket: net.Socket;

  /** Owns `descriptor`. */
  constructor(descriptor: number, handler: GenerationLinkHandler) {
    this.descriptor = descriptor;
    this.handler = handler;
    this.socket = new net.Socket({ fd: descriptor, readable: true, writable: true });
    const lines = new ControlLines();
    this.socket.on('data', (data: Buffer) => {
      lines.push(data, 0, data.length, (line) => {
        const message = line === null ? null : parse(line);
        if (message !== null) this.handler.handleMessage(message);
      });
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => this.handler.handleGone());
  }

  say(message: GenerationMessage): void {
    if (this.socket.writable) this.socket.write(encodeLine(message));
  }

  /** What was said is in the kernel's hands. */
  get isFlushed(): boolean {
    return this.socket.writableLength === 0;
  }

  /** Resolves when what was said is in the kernel's hands. */
  async flush(): Promise<void> {
    if (!this.socket.writable) return;
    await new Promise<void>((resolve) => this.socket.write('', () => resolve()));
  }

  /** It does not keep the process alive. */
  unref(): void {
    this.socket.unref();
  }

  /** Without `handleGone`. */
  close(): void {
    this.socket.removeAllListeners('close');
    this.socket.destroy();
  }
}

function parse(line: string): GenerationMessage | null {
  try {
    const value = JSON.parse(line) as Partial<GenerationMessage> | null;
    return typeof value?.type === 'string' ? (value as GenerationMessage) : null;
  } catch {
    return null;
  }
}
