/** The tries that one request has taken, for whoever wants to tell its client: where each went, how it ended and how long it took. */
export class Trail {
  private readonly servers: string[] = [];
  private readonly statuses: string[] = [];
  private readonly connectTimes: string[] = [];
  private readonly times: string[] = [];
  private since = 0;

  begin(server: string, now: number): void {
    this.servers.push(server);
    this.since = now;
  }

  /** The connection of the last one stands. */
  connected(now: number): void {
    if (this.connectTimes.length < this.servers.length) this.connectTimes.push(seconds(now - this.since));
  }

  /** The last one has ended, or its response begins. */
  end(status: number, now: number): void {
    if (this.statuses.length === this.servers.length) return;
    if (this.connectTimes.length < this.servers.length) this.connectTimes.push('-');
    this.statuses.push(String(status));
    this.times.push(seconds(now - this.since));
  }

  /** The last one was none: its connection had been closed while it was unused. */
  forget(): void {
    this.servers.pop();
    this.connectTimes.length = Math.min(this.connectTimes.length, this.servers.length);
  }

  textOf(kind: string): string {
    switch (kind) {
      case 'server':
        return this.servers.join(', ');
      case 'server-status':
        return this.statuses.join(', ');
      case 'server-connect-time':
        return this.connectTimes.join(', ');
      case 'server-time':
        return this.times.join(', ');
      default:
        return '';
    }
  }
}

function seconds(ms: number): string {
  return (Math.max(0, Math.round(ms)) / 1000).toFixed(3);
}
