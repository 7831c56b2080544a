/** What the service manager is told of this process's state (sd_notify(3)): ready, reloading, stopping. */

export class ServiceState {
  private readonly notify: (state: string) => void;
  private isReady = false;
  private changes = 0;

  constructor(notify: (state: string) => void) {
    this.notify = notify;
  }

  ready(): void {
    this.isReady = true;
    this.notify('READY=1');
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
