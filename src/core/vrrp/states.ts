/**
 * Every state of a virtual router and every way from one to another. The machine may make no transition that is not in
 * this table, and docs/vrrp-states.md is rendered from it.
 *
 * RFC 9568 section 6.4 has three states. `initialize` and `fault` are its Initialize, `backup` and `claiming` its Backup,
 * `active` and `leaving` its Active: to the peers, nothing else is visible.
 */

import { meanings, stateDiagram } from '../state-diagram.ts';
import type { Severity } from './severity.ts';

export type State = 'initialize' | 'fault' | 'backup' | 'claiming' | 'active' | 'leaving';

export const STATES: Readonly<Record<State, string>> = {
  initialize: 'Not running.',
  fault: 'Something tracked is down: takes no part, holds nothing.',
  backup: 'Listens to the active router, ready to take over.',
  claiming: 'Heard no active router and would take over, but a guard, a probe or the group does not allow it yet.',
  active: 'Holds the addresses and advertises.',
  leaving: 'Has told the peers to take over (priority 0) and still holds the addresses until one of them has.',
};

export type Cause =
  | 'start'
  | 'adopt'
  | 'late'
  | 'peer-silent'
  | 'released'
  | 'preemption'
  | 'nobody-heard'
  | 'not-serving'
  | 'advert'
  | 'higher-advert'
  | 'stall'
  | 'guard-lost'
  | 'guard-passed'
  | 'group'
  | 'fault'
  | 'fault-cleared'
  | 'hand-over'
  | 'stop'
  | 'successor'
  | 'no-successor';

export const CAUSES: Readonly<Record<Cause, string>> = {
  start: 'The router is started.',
  adopt: 'The router is started in place of one that was active a moment ago; no peer can have missed it yet.',
  late: 'The router is started in place of one that was active, but too late: it leaves the addresses to the peers.',
  'peer-silent': 'The active router was not heard for the Active_Down_Interval: it died, or is cut off. Not planned.',
  released: 'The active router gave the addresses up (priority 0), and Skew_Time has passed.',
  preemption: 'The active router has less right, and gives way.',
  'nobody-heard': 'No active router was heard for the Active_Down_Interval since this one began to listen.',
  'not-serving': 'A machine of a peer answers for the addresses, but no peer is active, and nothing serves there.',
  advert: 'An active router was heard after all.',
  'higher-advert': 'An advert of a higher priority, or of the same priority and a higher address.',
  stall: 'This process did not run for longer than the peers wait: someone else may be active by now.',
  'guard-lost': 'A guard that must pass does not pass any more.',
  'guard-passed': 'A guard passes that did not: what can be reached has changed, so who is active is heard first.',
  group: 'Another router of the group is not active any more.',
  fault: 'Something tracked went down.',
  'fault-cleared': 'Everything tracked is up.',
  'hand-over': 'An operator asked for it.',
  stop: 'The router is stopped.',
  successor: 'A peer took over.',
  'no-successor': 'No peer took over in the time that the slowest one may need.',
};

export interface Transition {
  readonly from: State;
  readonly to: State;
  readonly cause: Cause;
  /** What RFC 9568 says, or 'extension'. */
  readonly source: string;
  readonly severity: Severity;
}

function row(from: State, to: State, cause: Cause, source: string, severity: Severity = 'info'): Transition {
  return { from, to, cause, source, severity };
}

export const TRANSITIONS: readonly Transition[] = [
  row('initialize', 'backup', 'start', '6.4.1'),
  row('initialize', 'backup', 'late', 'extension', 'warning'),
  row('initialize', 'active', 'start', '6.4.1, the owner of the addresses'),
  row('initialize', 'active', 'adopt', 'extension'),
  row('initialize', 'leaving', 'adopt', 'extension'),
  row('initialize', 'fault', 'fault', 'extension', 'error'),

  row('fault', 'backup', 'fault-cleared', '6.4.1'),
  row('fault', 'initialize', 'stop', '6.4.2'),

  row('backup', 'active', 'peer-silent', '6.4.2', 'warning'),
  row('backup', 'active', 'released', '6.4.2'),
  row('backup', 'active', 'preemption', '6.4.2'),
  row('backup', 'active', 'nobody-heard', '6.4.2'),
  row('backup', 'claiming', 'peer-silent', 'extension', 'warning'),
  row('backup', 'claiming', 'released', 'extension'),
  row('backup', 'claiming', 'preemption', 'extension'),
  row('backup', 'claiming', 'nobody-heard', 'extension'),
  row('backup', 'fault', 'fault', '6.4.2, as a shutdown', 'error'),
  row('backup', 'initialize', 'stop', '6.4.2'),

  row('claiming', 'active', 'peer-silent', '6.4.2', 'warning'),
  row('claiming', 'active', 'released', '6.4.2'),
  row('claiming', 'active', 'preemption', '6.4.2'),
  row('claiming', 'active', 'nobody-heard', '6.4.2'),
  row('claiming', 'active', 'not-serving', 'extension', 'warning'),
  row('claiming', 'backup', 'advert', '6.4.2'),
  row('claiming', 'backup', 'stall', 'extension', 'warning'),
  row('claiming', 'backup', 'guard-passed', 'extension'),
  row('claiming', 'fault', 'fault', '6.4.2, as a shutdown', 'error'),
  row('claiming', 'initialize', 'stop', '6.4.2'),

  row('active', 'backup', 'higher-advert', '6.4.3'),
  row('active', 'backup', 'stall', 'extension', 'warning'),
  row('active', 'backup', 'guard-lost', 'extension', 'error'),
  row('active', 'backup', 'group', 'extension', 'warning'),
  row('active', 'fault', 'fault', '6.4.3, as a shutdown', 'error'),
  row('active', 'leaving', 'hand-over', 'extension'),
  row('active', 'leaving', 'stop', '6.4.3'),
  row('active', 'initialize', 'stop', '6.4.3, at once'),

  row('leaving', 'backup', 'successor', 'extension'),
  row('leaving', 'initialize', 'successor', '6.4.3'),
  row('leaving', 'active', 'no-successor', 'extension', 'warning'),
  row('leaving', 'initialize', 'no-successor', '6.4.3', 'warning'),
  row('leaving', 'backup', 'stall', 'extension', 'warning'),
  row('leaving', 'backup', 'guard-lost', 'extension', 'error'),
  row('leaving', 'fault', 'fault', 'extension', 'error'),
  row('leaving', 'initialize', 'stop', '6.4.3, at once'),
];

/** The row of the table, or undefined: then the transition must not be made. */
export function findTransition(from: State, to: State, cause: Cause): Transition | undefined {
  return TRANSITIONS.find((each) => each.from === from && each.to === to && each.cause === cause);
}

/** docs/vrrp-states.md */
export function renderStatesPage(): string {
  const lines = [
    '# States of a virtual router',
    '',
    '<!-- Rendered from src/core/vrrp/states.ts; a test compares them. -->',
    '',
    'To its peers a router of evenkeel is a router of RFC 9568: `initialize` and `fault` are its Initialize, `backup`',
    'and `claiming` its Backup, `active` and `leaving` its Active.',
    '',
    ...stateDiagram(
      ['[*] --> initialize'],
      TRANSITIONS.map(({ from, to, cause }) => ({ from, to, label: cause })),
    ),
    '',
    ...meanings('state', STATES),
    '',
    ...meanings('cause', CAUSES),
    '',
    'An unplanned takeover, a fault and a missing successor are warnings or errors in the log; what was planned is not.',
    '',
    '| from | to | cause | RFC 9568 | logged as |',
    '|---|---|---|---|---|',
    ...TRANSITIONS.map(
      ({ from, to, cause, source, severity }) => `| ${from} | ${to} | ${cause} | ${source} | ${severity} |`,
    ),
    '',
  ];
  return lines.join('\n');
}
