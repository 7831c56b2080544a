/** The system's log (syslog(3)), by its socket. What cannot be sent is lost: a log is no reason to end. */
import { AF_UNIX, sendTo, SOCK_DGRAM, socket } from './libc.ts';
import { encodeUnixPath } from './socket-address.ts';

export const SYSLOG_PATH = '/dev/log';
const FACILITY_DAEMON = 3 << 3;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

export class Syslog {
  private readonly tag: string;
  private readonly descriptor = socket(AF_UNIX, SOCK_DGRAM);
  private readonly address = encodeUnixPath(SYSLOG_PATH)!;

  constructor(tag: string) {
    this.tag = tag;
  }

  /** `<6>what happened`: with its priority, as the journal has it (sd-daemon(3)). */
  write(line: string): void {
    const [, priority = '6', text] = /^(?:<([0-7])>)?(.*)/s.exec(line.trimEnd())!;
    const head = `<${FACILITY_DAEMON | Number(priority)}>${timeText(new Date())} ${this.tag}[${process.pid}]: `;
    sendTo(this.descriptor, Buffer.from(head + text), this.address);
  }
}

/** `Nov  9 11:29:38` */
export function timeText(time: Date): string {
  return `${MONTHS[time.getMonth()]} ${String(time.getDate()).padStart(2)} ${time.toTimeString().slice(0, 8)}`;
}
