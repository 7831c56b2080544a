/** A program on a host that is told things and tells things, by lines. */
import type { ChildProcess } from 'node:child_process';
import type { Host } from '../vip/virtual-node.ts';
import { Change } from '../waiting.ts';

export class Script {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  private readonly change = new Change();
  isOver = false;

  constructor(host: Host, command: string, ...args: readonly string[]) {
    this.child = host.spawn(command, ...args);
    let rest = '';
    this.child.stderr!.on('data', (data: Buffer) => this.lines.push(data.toString()));
    // One that is killed leaves unread what it was told.
    for (const stream of this.child.stdio) stream?.on('error', () => undefined);
    this.child.on('close', () => {
      this.isOver = true;
      this.change.wake();
    });
    this.child.stdout!.on('data', (data: Buffer) => {
      const lines = (rest + data.toString()).split('\n');
      rest = lines.pop()!;
      this.lines.push(...lines);
      this.change.wake();
    });
  }

  tell(line: string): void {
    this.child.stdin!.write(`${line}\n`);
  }

  async until(isSo: (lines: readonly string[]) => boolean, what: string): Promise<void> {
    await this.change.until(
      () => isSo(this.lines),
      () => `${what}:\n${this.lines.slice(-50).join('\n')}`,
    );
  }
}
