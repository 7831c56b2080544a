/**
 * The life of one proxy process, from its start to its end: every state, and every way from one to another. The machine in
 * fleet.ts makes no other transition, and the diagram in docs/operations.md is rendered from this table.
 */
import { arrowsOf, meanings, stateDiagram } from '../state-diagram.ts';

export type LifeState = 'starting' | 'serving' | 'draining' | 'killed' | 'gone';

export const LIFE_STATES: Readonly<Record<LifeState, string>> = {
  starting: 'Started, has not applied its first plan yet.',
  serving: 'Accepts connections, by the plan it applied last.',
  draining: 'Accepts no more, finishes what is in flight, then ends by itself.',
  killed: 'Was told by the kernel to end.',
  gone: 'The process is no more.',
};

export type LifeEvent = 'applied' | 'refused' | 'drain' | 'invalid' | 'silent' | 'overdue' | 'exit';

export const LIFE_EVENTS: Readonly<Record<LifeEvent, string>> = {
  applied: 'It serves by the plan that it was sent.',
  refused:
    'It cannot apply the plan that it was sent, or does not answer: another process takes its place. Of a plan that no process can apply, nothing comes while it serves.',
  drain: 'It is no longer needed.',
  invalid: 'It says what no proxy can have to say, or does not read what it is told.',
  silent: 'Its heartbeat stands still.',
  overdue: 'Its time to finish is over.',
  exit: 'The process ended.',
};

const ENDING: Readonly<Record<LifeEvent, LifeState>> = {
  applied: 'killed',
  refused: 'killed',
  drain: 'killed',
  invalid: 'killed',
  silent: 'killed',
  overdue: 'killed',
  exit: 'gone',
};

export const LIFE_TRANSITIONS: Readonly<Record<LifeState, Readonly<Record<LifeEvent, LifeState>>>> = {
  // It has no connection that could be lost.
  starting: {
    applied: 'serving',
    refused: 'killed',
    drain: 'draining',
    invalid: 'killed',
    silent: 'killed',
    overdue: 'killed',
    exit: 'gone',
  },
  serving: {
    applied: 'serving',
    refused: 'draining',
    drain: 'draining',
    invalid: 'killed',
    silent: 'killed',
    overdue: 'killed',
    exit: 'gone',
  },
  draining: {
    applied: 'draining',
    refused: 'draining',
    drain: 'draining',
    invalid: 'killed',
    silent: 'killed',
    overdue: 'killed',
    exit: 'gone',
  },
  killed: ENDING,
  gone: {
    applied: 'gone',
    refused: 'gone',
    drain: 'gone',
    invalid: 'gone',
    silent: 'gone',
    overdue: 'gone',
    exit: 'gone',
  },
};

/** The diagram and the tables of docs/reload.md. */
export function renderLife(): string {
  const arrows = arrowsOf(LIFE_TRANSITIONS).filter(({ from, to }) => from !== to);
  return [
    ...stateDiagram(['[*] --> starting'], arrows),
    '',
    ...meanings('state', LIFE_STATES),
    '',
    ...meanings('event', LIFE_EVENTS),
  ].join('\n');
}
