/** Lines as messages of syslog: RFC 5424, or RFC 3164 as nginx writes them, whose time is that of this machine's place. */
import type { SyslogPlan } from '../../base/syslog.ts';
import { timeText } from './syslog.ts';

/** Of a line; what is more is cut off. As much as rsyslog takes. */
const LINE_BYTES_MAX = 8000;
const HEAD_BYTES_MAX = 512;
const LENGTH_BYTES_MAX = 8;
const LAST_CONTROL = 0x20;

export class SyslogMessages {
  private readonly plan: SyslogPlan;
  private readonly hostname: string;
  private readonly pid: number;
  private readonly draft = Buffer.alloc(LENGTH_BYTES_MAX + HEAD_BYTES_MAX + LINE_BYTES_MAX);
  private headBytes = 0;

  constructor(plan: SyslogPlan, hostname: string, pid: number) {
    this.plan = plan;
    this.hostname = hostname.replaceAll(/[^!-~]/g, '').slice(0, 255) || '-';
    this.pid = pid;
  }

  /** Those that follow are of this time, milliseconds since 1970. `priority`: facility and severity. */
  begin(now: number, priority = this.plan.priority): void {
    const { hasHostname, isModern, tag } = this.plan;
    const host = hasHostname ? this.hostname : isModern ? '-' : '';
    const head = isModern
      ? `<${priority}>1 ${new Date(now).toISOString()} ${host} ${tag} ${this.pid} - - `
      : `<${priority}>${timeText(new Date(now))} ${host === '' ? '' : `${host} `}${tag}: `;
    this.headBytes = this.draft.write(head, LENGTH_BYTES_MAX, 'latin1');
  }

  /** Of this line; it holds until the next call. */
  of(bytes: Uint8Array, from: number, to: number): Uint8Array {
    const { draft, headBytes } = this;
    const at = LENGTH_BYTES_MAX + headBytes;
    const length = Math.min(to - from, LINE_BYTES_MAX);
    draft.set(bytes.subarray(from, from + length), at);
    // of TCP a byte that ends a line would be one for who counts none
    for (let i = at; i < at + length; i++) if (draft[i] < LAST_CONTROL) draft[i] = LAST_CONTROL;
    if (!this.plan.isTcp) return draft.subarray(LENGTH_BYTES_MAX, at + length);
    const count = `${headBytes + length} `;
    const start = LENGTH_BYTES_MAX - count.length;
    draft.write(count, start, 'latin1');
    return draft.subarray(start, at + length);
  }
}
