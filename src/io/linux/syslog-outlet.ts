/**
 * Messages to a syslog server from who must not wait: what cannot be sent at once is lost and counted, and told when the server takes messages
 * again. Over UDP or a Unix socket alone.
 */
import { closeSync } from 'node:fs';
import { hostname } from 'node:os';
import type { SyslogPlan } from '../../base/syslog.ts';
import { systemReason } from '../../base/system-error.ts';
import { AF_INET, AF_INET6, AF_UNIX, errorName, sendTo, SOCK_DGRAM, socket } from './libc.ts';
import { encodeSocketAddress } from './socket-address.ts';
import { SOCK_NONBLOCK } from './socket-messages.ts';
import { SyslogMessages } from './syslog-messages.ts';

/** Of syslog(3), as a number. */
const SEVERITIES = 8;
const WARNING = 4;

export class SyslogOutlet {
  private readonly plan: SyslogPlan;
  private readonly onLost: (why: string) => void;
  private readonly messages: SyslogMessages;
  private readonly address: Uint8Array | null;
  private readonly descriptor: number;
  private lost = 0;
  /** A negative errno, of the last message; 0: none. */
  private failure = 0;

  /** `onLost`: lines are lost from now on; told once, until the server takes one again. */
  constructor(plan: SyslogPlan, onLost: (why: string) => void) {
    this.plan = plan;
    this.onLost = onLost;
    this.messages = new SyslogMessages(plan, hostname(), process.pid);
    this.address = encodeSocketAddress(plan.address);
    const family = plan.address.family === 0 ? AF_UNIX : plan.address.family === 4 ? AF_INET : AF_INET6;
    this.descriptor = socket(family, SOCK_DGRAM | SOCK_NONBLOCK);
  }

  /** `severity`: of syslog(3), 0 the most urgent; `line`: without its end. */
  send(severity: number, line: string): void {
    if (this.lost > 0 && this.put(WARNING, `${this.lost} lines are lost that the syslog server did not take`))
      this.lost = 0;
    if (this.put(severity, line)) return;
    // what `onLost` says comes here too
    if (this.lost++ === 0) this.onLost(this.why);
  }

  private put(severity: number, line: string): boolean {
    const { address, descriptor, messages } = this;
    if (address === null || descriptor < 0) return false;
    const { priority } = this.plan;
    messages.begin(Date.now(), priority - (priority % SEVERITIES) + severity);
    const bytes = Buffer.from(line);
    const sent = sendTo(descriptor, messages.of(bytes, 0, bytes.length), address);
    this.failure = Math.min(0, sent);
    return sent >= 0;
  }

  /** Why the last message was not sent. */
  private get why(): string {
    const failure = Math.min(this.failure, this.descriptor);
    if (failure >= 0) return 'its path is too long';
    const code = errorName(failure);
    return code === 'EAGAIN' ? 'it does not read them' : systemReason({ code });
  }

  close(): void {
    if (this.descriptor >= 0) closeSync(this.descriptor);
  }
}
