/**
 * Everything that can be wrong with a configuration: stable codes, what is said, what to write instead. Codes are in scripts and in
 * search engines: they may be added, and never change their meaning. The page docs/reference/errors.md is made from this.
 */
import { TEXT } from './text.ts';
import { DIRECTIVES } from './directives.ts';
import { PARTS } from './parts.ts';
import { ROUTES } from './routes.ts';
import { UPSTREAMS } from './upstreams.ts';
import { NODES } from './nodes.ts';
import { HOST } from './host.ts';

export const CATALOGUE = { ...TEXT, ...DIRECTIVES, ...PARTS, ...ROUTES, ...UPSTREAMS, ...NODES, ...HOST };

export type Code = keyof typeof CATALOGUE;

type Gaps<Template extends string> = Template extends `${string}<${infer Name}>${infer Rest}`
  ? Name | Gaps<Rest>
  : never;

/** The words that a code's texts need. */
export type Args<C extends Code> = Readonly<
  Record<Gaps<(typeof CATALOGUE)[C]['message'] | (typeof CATALOGUE)[C]['remedy']>, string>
>;
