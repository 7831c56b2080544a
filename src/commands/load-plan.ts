/** From a configuration to what `run` runs, or to everything that is wrong with it. */
import { hostname } from 'node:os';
import { loadConfigFile, printDiagnostics } from '../cli/config-file.ts';
import { readKeyFiles } from '../cli/key-files.ts';
import { compile } from '../config/compile.ts';
import { compileHa } from '../config/compile-ha.ts';
import type { HaPlan } from '../config/ha-plan.ts';
import type { Plan } from '../config/plan.ts';
import { type Loaded, loadYaml } from '../config/yaml/load.ts';

export interface Plans {
  readonly plan: Plan;
  /** Null: the configuration has no `ha`. */
  readonly ha: HaPlan | null;
}

type Print = (text: string) => void;

/** Null: it cannot be run, and why has been printed. */
export function loadPlans(file: string, node: string | null, workers: number, err: Print): Plans | null {
  const named = loadForNode(file, node, err);
  if (named === null) return null;
  const { loaded, nodeName } = named;
  const { config, source } = loaded;
  if (config === null) return null;
  const { plan, unsupported } = compile(config, source, { workers });
  const keys = readKeyFiles(config, source);
  // A file that asks for more than can be given must not look as if it were served.
  printDiagnostics(unsupported, err);
  printDiagnostics(
    keys.diagnostics.map((one) => ({ ...one, severity: 'error' as const })),
    err,
  );
  if (unsupported.length > 0 || keys.diagnostics.length > 0) return null;
  return { plan, ha: compileHa(config, nodeName, keys.files) };
}

/** Which node this is: what was asked for, what the file says, or the host name; values per node must have one for it. */
function loadForNode(
  file: string,
  node: string | null,
  err: Print,
): { readonly loaded: Loaded; readonly nodeName: string } | null {
  const loaded = loadConfigFile(file, node, err);
  if (loaded === null || loaded.config === null) return null;
  const known = node ?? loaded.config.node;
  if (known !== undefined) return { loaded, nodeName: known };
  const nodeName = hostname();
  if (loaded.config.ha === undefined) return { loaded, nodeName };
  const again = loadConfigFile(file, nodeName, (text) => {
    if (!text.includes(': warning: ')) err(text);
  });
  if (again === null) return null;
  if (again.config === null) {
    err(`${file}: ${nodeName} is this machine's host name; which node it is can be said by \`node:\` and by --node\n`);
  }
  return { loaded: again, nodeName };
}

/** Of a text that is known to be right. */
export function loadPlanText(name: string, text: string, workers: number): Plan {
  const { config, source, diagnostics } = loadYaml(text, { file: name, node: undefined });
  if (config === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return compile(config, source, { workers }).plan;
}
