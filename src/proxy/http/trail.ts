/** The tries that one request has taken, for whoever wants to tell its client: where each went, how it ended and how long it took. */
interface Try {
  readonly server: string;
  status: string;
  connectTime: string;
  time: string;
  /** The request had been turned to another route before it. */
  readonly isTurned: boolean;
}

export class Trail {
  private readonly tries: Try[] = [];
  private since = 0;
  private isTurned = false;

  begin(server: string, now: number): void {
    this.tries.push({ server, status: '', connectTime: '', time: '', isTurned: this.isTurned });
    this.isTurned = false;
    this.since = now;
  }

  /** The connection of the last one stands. */
  connected(now: number): void {
    const last = this.tries.at(-1);
    if (last !== undefined && last.connectTime === '') last.connectTime = seconds(now - this.since);
  }

  /** The last one has ended, or its response begins. */
  end(status: number, now: number): void {
    const last = this.tries.at(-1);
    if (last === undefined || last.status !== '') return;
    if (last.connectTime === '') last.connectTime = '-';
    last.status = String(status);
    last.time = seconds(now - this.since);
  }

  /** The last one was none: its connection had been closed while it was unused. */
  forget(): void {
    const gone = this.tries.pop();
    if (gone?.isTurned === true) this.isTurned = true;
  }

  /** What follows is for another route. */
  turn(): void {
    this.isTurned = this.tries.length > 0;
  }

  textOf(kind: string): string {
    switch (kind) {
      case 'server':
        return this.list(({ server }) => server);
      case 'server-status':
        return this.list(({ status }) => status);
      case 'server-connect-time':
        return this.list(({ connectTime }) => connectTime);
      case 'server-time':
        return this.list(({ time }) => time);
      default:
        return '';
    }
  }

  private list(of: (one: Try) => string): string {
    let text = '';
    for (const [i, one] of this.tries.entries()) text += `${i === 0 ? '' : one.isTurned ? ' : ' : ', '}${of(one)}`;
    return text;
  }
}

function seconds(ms: number): string {
  return (Math.max(0, Math.round(ms)) / 1000).toFixed(3);
}
