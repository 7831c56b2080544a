/** What a TCP listener does by values: from the Config to the Plan. What is here has passed the checks. */
import { DEFAULTS } from '../model/defaults.ts';
import type { TcpTargetConfig } from '../model/tcp.ts';
import type { ListenerConfig } from '../model/config.ts';
import type { TcpPlan, TcpTargetPlan } from '../plan/listener.ts';
import type { TriesPlan } from '../plan/tls.ts';
import { parseDuration } from '../words/units.ts';

export function compileTries({ tries }: ListenerConfig): TriesPlan {
  const { attempts = DEFAULTS.listener.tries.attempts, within } = tries ?? {};
  return { attempts, withinMs: within === undefined ? 0 : (parseDuration(within) ?? 0) };
}

/** Null: it asks for none. */
export function compileTcp({ choose, respond, set }: ListenerConfig): TcpPlan | null {
  if (choose === undefined && respond === undefined && set === undefined) return null;
  return {
    set: Object.entries(set ?? {}),
    choice:
      choose === undefined
        ? null
        : { by: choose.by, cases: Object.entries(choose.cases).map(([text, target]) => [text, compileTarget(target)]) },
    respond: respond ?? null,
  };
}

function compileTarget({ respond, upstream }: TcpTargetConfig): TcpTargetPlan {
  return respond === undefined ? { kind: 'upstream', name: upstream! } : { kind: 'respond', text: respond };
}
