/** What the service manager is told of this process's state (sd_notify(3)): ready, reloading, stopping. */

export class ServiceState {
  private readonly send: (state: string) => void;
  /** The service manager listens to the process in charge, and to no other. */
  private isInCharge: boolean;
  private isReady = false;
  private changes = 0;

  constructor(send: (state: string) => void, isInCharge: boolean) {
    this.send = send;
    this.isInCharge = isInCharge;
  }

  notify(state: string): void {
    if (this.isInCharge) this.send(state);
  }

  ready(): void {
    this.isInCharge = true;
    this.isReady = true;
    this.notify('READY=1');
  }

  /** Another process is in charge from now on. Null: it is to find that out by itself. */
  handOver(pid: number | null): void {
    if (pid !== null) this.notify(`MAINPID=${pid}`);
    this.isInCharge = false;
  }

  /** For as long as `change` takes. Changes may overlap. */
  async during<T>(change: () => Promise<T>): Promise<T> {
    if (this.changes++ === 0 && this.isReady) {
      // Type=notify-reload asks for the time, to tell this reload from one before.
      this.notify(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`);
    }
    try {
      return await change();
    } finally {
      if (--this.changes === 0 && this.isReady) this.notify('READY=1');
    }
  }

  stopping(): void {
    this.isReady = false;
    this.notify('STOPPING=1');
  }
}
