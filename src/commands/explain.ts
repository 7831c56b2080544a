/** `evenkeel explain`: asks the running evenkeel, or rehearses the request by files. */
import { hostname } from 'node:os';
import type { Explanation } from '../api/explanation.ts';
import { SERVER_DOWN, SERVER_DRAINING, SERVER_UP, WEIGHT_UNIT } from '../base/board.ts';
import type { ExplainOptions } from '../cli/explain.ts';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { Plan } from '../config/plan/plan.ts';
import type { ServerPlan } from '../config/plan/upstream.ts';
import { socketToAsk } from '../instance/socket-path.ts';
import { printDiagnostics, readConfigTexts } from '../load/config-file.ts';
import { prepare } from '../load/prepare.ts';
import { explain, type KnownStanding, type KnownWorld } from '../rehearsal/explain.ts';
import { readField, UnexplainableError } from '../rehearsal/subject.ts';
import type { Output } from './check.ts';
import { askExplanation, ControlError, failing } from './control-client.ts';
import { renderExplanation } from './explain-view.ts';
import { hasColors } from './paint.ts';

export function explainCommand(options: ExplainOptions, { out, err }: Output): Promise<number> {
  return failing(async () => {
    const explanation = options.files.length === 0 ? await askRunning(options) : explainByFiles(options, err);
    if (explanation === null) return EXIT_FAILED;
    out(options.isJson ? `${JSON.stringify(explanation, null, 2)}\n` : renderExplanation(explanation, hasColors()));
    return explanation.outcome === 'server' || explanation.outcome === 'route' ? EXIT_OK : EXIT_FAILED;
  });
}

function askRunning({ url, method, headers, from, listener, socket }: ExplainOptions): Promise<Explanation> {
  return askExplanation(socketToAsk(socket, process.env, process.getuid?.() ?? -1), {
    url,
    method,
    ...(headers.length === 0 ? {} : { headers: headers.join('\n') }),
    ...(from === null ? {} : { from }),
    ...(listener === null ? {} : { listener }),
  });
}

/** Null: the files are wrong, and why has been printed. */
function explainByFiles(options: ExplainOptions, err: (text: string) => void): Explanation | null {
  const texts = readConfigTexts(
    options.files.map((path) => ({ path, language: null })),
    err,
  );
  if (texts === null) return null;
  // what the machine has, as key files and addresses, is no matter here
  const { diagnostics, ready } = prepare(texts, { node: options.node, workers: null, look: null });
  if (ready === null) {
    printDiagnostics(diagnostics, err);
    return null;
  }
  const { url, method, headers, from, listener } = options;
  try {
    return explain(worldOf(ready.plan), { url, method, fields: headers.map(readField), from, listener });
  } catch (error) {
    throw error instanceof UnexplainableError ? new ControlError(error.message) : error;
  }
}

/** Stands for whatever a name stands for. */
const SOMEWHERE = { family: 4, host: '192.0.2.1' } as const;

function worldOf(plan: Plan): KnownWorld {
  const servers = plan.upstreams.flatMap((upstream) => upstream.servers);
  const names = servers.flatMap(({ target }) => ('hostname' in target ? [target.hostname] : []));
  return {
    plan,
    standings: servers.map(standingOf),
    nowMs: Date.now(),
    hostname: hostname(),
    seed: 1,
    assumed: [
      'every server is up, and not busy',
      ...(names.length === 0 ? [] : [`names of servers have the address ${SOMEWHERE.host}`]),
    ],
  };
}

function standingOf({ firstSlot, target, state, weight, backup }: ServerPlan): KnownStanding {
  const isIn = state === 'enabled';
  return {
    slot: firstSlot,
    state: isIn ? SERVER_UP : state === 'drain' ? SERVER_DRAINING : SERVER_DOWN,
    weight: weight * WEIGHT_UNIT,
    address: 'hostname' in target ? { ...SOMEWHERE, port: target.port } : target.family === 0 ? null : target,
    isBackup: backup,
    connections: 0,
    why: isIn ? '' : `\`state: ${state}\` in the file`,
  };
}
