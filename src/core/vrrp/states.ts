/**
 * Every state of a virtual router and every way from one to another. The machine may make no transition that is not in
 * this table, and docs/vrrp-states.md is rendered from it.
 *
 * RFC 9568 section 6.4 has three states. `initialize` and `fault` are its Initialize, `backup` and `claiming` its Backup,
 * `active` and `leaving` its Active: to the peers, nothing else is visible.
 */

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
  | 'down-timer'
  | 'gates-open'
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
  'down-timer': 'Nothing acceptable was heard for the Active_Down_Interval, or for Skew_Time after a release.',
  'gates-open': 'No one answered the probe, and the group is ready.',
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
}

const row = (from: State, to: State, cause: Cause, source: string): Transition => ({ from, to, cause, source });

export const TRANSITIONS: readonly Transition[] = [
  row('initialize', 'backup', 'start', '6.4.1'),
  row('initialize', 'active', 'start', '6.4.1, the owner of the addresses'),
  row('initialize', 'active', 'adopt', 'extension'),
  row('initialize', 'fault', 'fault', 'extension'),

  row('fault', 'backup', 'fault-cleared', '6.4.1'),
  row('fault', 'initialize', 'stop', '6.4.2'),

  row('backup', 'active', 'down-timer', '6.4.2'),
  row('backup', 'claiming', 'down-timer', 'extension'),
  row('backup', 'fault', 'fault', '6.4.2, as a shutdown'),
  row('backup', 'initialize', 'stop', '6.4.2'),

  row('claiming', 'active', 'gates-open', '6.4.2'),
  row('claiming', 'backup', 'advert', '6.4.2'),
  row('claiming', 'backup', 'stall', 'extension'),
  row('claiming', 'backup', 'guard-passed', 'extension'),
  row('claiming', 'fault', 'fault', '6.4.2, as a shutdown'),
  row('claiming', 'initialize', 'stop', '6.4.2'),

  row('active', 'backup', 'higher-advert', '6.4.3'),
  row('active', 'backup', 'stall', 'extension'),
  row('active', 'backup', 'guard-lost', 'extension'),
  row('active', 'backup', 'group', 'extension'),
  row('active', 'fault', 'fault', '6.4.3, as a shutdown'),
  row('active', 'leaving', 'hand-over', 'extension'),
  row('active', 'leaving', 'stop', '6.4.3'),
  row('active', 'initialize', 'stop', '6.4.3, at once'),

  row('leaving', 'backup', 'successor', 'extension'),
  row('leaving', 'initialize', 'successor', '6.4.3'),
  row('leaving', 'active', 'no-successor', 'extension'),
  row('leaving', 'initialize', 'no-successor', '6.4.3'),
  row('leaving', 'backup', 'stall', 'extension'),
  row('leaving', 'backup', 'guard-lost', 'extension'),
  row('leaving', 'fault', 'fault', 'extension'),
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
    '```mermaid',
    'stateDiagram-v2',
    '  [*] --> initialize',
    ...arrows(),
    '```',
    '',
    '| state | |',
    '|---|---|',
    ...Object.entries(STATES).map(([state, meaning]) => `| ${state} | ${meaning} |`),
    '',
    '| cause | |',
    '|---|---|',
    ...Object.entries(CAUSES).map(([cause, meaning]) => `| ${cause} | ${meaning} |`),
    '',
    '| from | to | cause | RFC 9568 |',
    '|---|---|---|---|',
    ...TRANSITIONS.map(({ from, to, cause, source }) => `| ${from} | ${to} | ${cause} | ${source} |`),
    '',
  ];
  return lines.join('\n');
}

/** One arrow for every pair of states, with all its causes. */
function arrows(): string[] {
  const labels = new Map<string, string[]>();
  for (const { from, to, cause } of TRANSITIONS) {
    const arrow = `${from} --> ${to}`;
    const causes = labels.get(arrow);
    if (causes === undefined) labels.set(arrow, [cause]);
    else causes.push(cause);
  }
  return Array.from(labels, ([arrow, causes]) => `  ${arrow}: ${causes.join(', ')}`);
}
