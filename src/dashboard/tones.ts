/** How good a state is. */
import type { ListenerView, ServerView } from '../api/data-plane.ts';
import type { RouterView } from '../api/virtual-routers.ts';
import type { Tone } from './badge.tsx';

export const SERVER_TONES: Readonly<Record<ServerView['state'], Tone>> = {
  up: 'good',
  unchecked: 'info',
  draining: 'warn',
  ejected: 'bad',
  down: 'bad',
  unresolved: 'bad',
  disabled: 'off',
};

export const ROUTER_TONES: Readonly<Record<RouterView['state'], Tone>> = {
  active: 'good',
  backup: 'info',
  claiming: 'warn',
  leaving: 'warn',
  initialize: 'off',
  fault: 'bad',
  unknown: 'bad',
};

export const LISTENER_TONES: Readonly<Record<ListenerView['state'], Tone>> = {
  open: 'good',
  draining: 'warn',
  drained: 'off',
  closed: 'bad',
};

/** It gets work. */
export function isServing(state: ServerView['state']): boolean {
  return state === 'up' || state === 'unchecked';
}
