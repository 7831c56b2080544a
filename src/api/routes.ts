/** The routes of a listener, in the admin API. */
import { count, flag, named, text, type View } from './shapes.ts';

export const route = named('Route', 'A route of a listener, in the order in which they are tried.', {
  number: count('From 1: as `explain` names it.'),
  name: text('By which steps call it; null: it has none.').nullable(),
  match: text('What it asks for, in words: `host shop.example, path /api/*`.'),
  action: text('What it does: `to upstream shop`.'),
  upstream: text('Null: it goes to none.').nullable(),
  steps: count('That it does before.'),
  isInternal: flag('It is taken by rewritten requests alone.'),
  errorPages: count('Answers in place of errors.'),
});
export type RouteView = View<typeof route>;
