/**
 * What is left of a keeper that has been succeeded where somebody counts on its process: a shell in its foreground, a
 * container whose PID 1 it is, a supervisor that knows its process id. It passes signals on to the keeper in charge, buries what
 * falls to it, and ends as that ends.
 */
import { setImmediate } from 'node:timers/promises';
import type { Wards } from './wards.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;

export class Parent {
  private readonly wards: Wards;
  private inCharge = 0;
  private settle: (code: number) => void = () => undefined;

  constructor(wards: Wards) {
    this.wards = wards;
  }

  /** This one is in charge from now on. */
  handleInCharge(pid: number): void {
    if (pid === this.inCharge) return;
    this.inCharge = pid;
    void this.await(pid);
  }

  /** Takes the signals over from whoever had them. Resolves with the exit code of the keeper that was in charge last. */
  run(): Promise<number> {
    for (const signal of SIGNALS) {
      process.removeAllListeners(signal);
      process.on(signal, () => this.pass(signal));
    }
    return new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  private async await(pid: number): Promise<void> {
    const code = await this.wards.ended(pid);
    // It ends after its successor has said that it is in charge, which has come, but may not be read yet: a whole turn of the loop.
    await setImmediate();
    await setImmediate();
    if (pid === this.inCharge) this.settle(code);
  }

  private pass(signal: NodeJS.Signals): void {
    try {
      process.kill(this.inCharge, signal);
    } catch {
      // It has ended, which is being found out.
    }
  }
}
