/**
 * The life of one vip process, from its start to its end: every state, and every way from one to another. The machine in
 * succession.ts makes no other transition, and the diagram in docs/decisions/vip-process.md is rendered from this table.
 */
import { arrowsOf, meanings, stateDiagram } from '../state-diagram.ts';

export type LifeState =
  | 'preparing'
  | 'ready'
  | 'begun'
  | 'speaking'
  | 'superseded'
  | 'yielding'
  | 'leaving'
  | 'killed'
  | 'gone';

export const LIFE_STATES: Readonly<Record<LifeState, string>> = {
  preparing: 'Started, gets everything ready.',
  ready: 'Stands by: has everything ready, hears nothing and says nothing.',
  begun: 'Takes part, as far as the keeper knows: it was told to, or was heard to.',
  speaking: 'Takes part, and has said so.',
  superseded: 'Its successor was heard, so it is gone; the keeper has not heard its end yet.',
  yielding: 'Was told to end in a good moment, and to leave everything to the process of another keeper.',
  leaving: 'Was told to hand the addresses over, and then ends by itself.',
  killed: 'Was told by the kernel to end.',
  gone: 'The process is no more.',
};

export type LifeEvent = 'ready' | 'begin' | 'started' | 'superseded' | 'yield' | 'stop' | 'kill' | 'exit';

export const LIFE_EVENTS: Readonly<Record<LifeEvent, string>> = {
  ready: 'It has everything ready.',
  begin: 'The process that it stands by for is gone, or there is none: it is told to take part, or does so already.',
  started: 'It says that it takes part.',
  superseded: 'Another process was heard to take part.',
  yield: 'An upgrade: the process of another keeper stands by for it.',
  stop: 'evenkeel ends.',
  kill: 'It hangs, does not get ready, or is of no use any more.',
  exit: 'The process ended.',
};

type Row = Readonly<Partial<Record<LifeEvent, LifeState>>>;

/** What is not in a row changes nothing: messages of a process that was told to end may be on their way. */
const ROWS: Readonly<Record<LifeState, Row>> = {
  preparing: { ready: 'ready', stop: 'leaving', kill: 'killed', exit: 'gone' },
  ready: { begin: 'begun', started: 'speaking', stop: 'leaving', kill: 'killed', exit: 'gone' },
  begun: { started: 'speaking', superseded: 'superseded', stop: 'leaving', kill: 'killed', exit: 'gone' },
  speaking: { superseded: 'superseded', yield: 'yielding', stop: 'leaving', kill: 'killed', exit: 'gone' },
  superseded: { kill: 'killed', exit: 'gone' },
  yielding: { kill: 'killed', exit: 'gone' },
  leaving: { kill: 'killed', exit: 'gone' },
  killed: { exit: 'gone' },
  gone: {},
};

export function nextState(from: LifeState, event: LifeEvent): LifeState {
  return ROWS[from][event] ?? from;
}

/** The diagram and the tables of docs/decisions/vip-process.md. */
export function renderVipLife(): string {
  return [
    ...stateDiagram(['[*] --> preparing'], arrowsOf(ROWS)),
    '',
    ...meanings('state', LIFE_STATES),
    '',
    ...meanings('event', LIFE_EVENTS),
  ].join('\n');
}
