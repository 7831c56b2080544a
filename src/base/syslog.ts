/** Where lines go over syslog, and what their messages are. */
import type { Address } from './address.ts';

export interface SyslogTarget {
  readonly address: Address;
  /** Else datagrams. */
  readonly isTcp: boolean;
}

export interface SyslogPlan extends SyslogTarget {
  /** RFC 5424; else RFC 3164, as nginx has it. */
  readonly isModern: boolean;
  /** Facility and severity as one number. */
  readonly priority: number;
  readonly tag: string;
  /** The name of this machine is in it. */
  readonly hasHostname: boolean;
}
