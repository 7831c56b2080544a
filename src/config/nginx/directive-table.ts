/**
 * What nginx knows by name: where each directive may stand, what it takes, and what becomes of it here. The reader goes by this
 * table, and docs/reference/nginx-conf.md is made from it.
 */
import type { DirectiveState } from '../directive-state.ts';
import type { ModuleRows, Row } from './directive-row.ts';
import { CORE_ROWS } from './table-core.ts';
import { HTTP_SERVER_ROWS } from './table-http-servers.ts';
import { HTTP_ROWS } from './table-http.ts';
import { STREAM_ROWS } from './table-stream.ts';

export interface Rule {
  readonly name: string;
  readonly module: string;
  readonly contexts: readonly string[];
  /** Of arguments. */
  readonly min: number;
  readonly max: number;
  readonly isFlag: boolean;
  readonly isBlock: boolean;
  readonly state: DirectiveState;
  readonly note: string;
}

export const MODULES: readonly ModuleRows[] = [...CORE_ROWS, ...HTTP_ROWS, ...HTTP_SERVER_ROWS, ...STREAM_ROWS];

/** NGX_CONF_MAX_ARGS is 8: only directives that take any number have more. */
const RULES: ReadonlyMap<string, readonly Rule[]> = collect();

function collect(): Map<string, Rule[]> {
  const rules = new Map<string, Rule[]>();
  for (const { module, rows } of MODULES) {
    for (const row of rows) {
      for (const name of row[0].split(' ')) {
        const list = rules.get(name) ?? [];
        list.push(ruleOf(name, module, row));
        rules.set(name, list);
      }
    }
  }
  return rules;
}

function ruleOf(name: string, module: string, [, contexts, args, state, note]: Row): Rule {
  const [count] = args.split(' ');
  const isFlag = count === 'flag';
  const range = isFlag ? ['1', '1'] : count.endsWith('+') ? [count.slice(0, -1), 'Infinity'] : count.split('-');
  return {
    name,
    module,
    contexts: contexts.split(' '),
    min: Number(range[0]),
    max: Number(range[range.length - 1]),
    isFlag,
    isBlock: args.endsWith('{}'),
    state,
    note,
  };
}

export const DIRECTIVE_NAMES: readonly string[] = [...RULES.keys()];

/** All with this name; empty: nginx knows none. */
export function rulesFor(name: string): readonly Rule[] {
  return RULES.get(name) ?? [];
}

/** The directive of this name in this context, or null. */
export function ruleIn(name: string, context: string): Rule | null {
  return rulesFor(name).find(({ contexts }) => contexts.includes(context) || contexts[0] === 'any') ?? null;
}
