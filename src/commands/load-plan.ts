/** From a configuration to what `run` runs, or to everything that is wrong with it. */
import { loadConfigFile, printDiagnostics } from '../cli/config-file.ts';
import { compile } from '../config/compile.ts';
import type { Plan } from '../config/plan.ts';
import { loadYaml } from '../config/yaml/load.ts';

/** Null: it cannot be run, and why has been printed. */
export function loadPlan(file: string, node: string | null, workers: number, err: (text: string) => void): Plan | null {
  const loaded = loadConfigFile(file, node, err);
  if (loaded === null || loaded.config === null) return null;
  const { plan, unsupported } = compile(loaded.config, loaded.source, { workers });
  // A file that asks for more than can be given must not look as if it were served.
  printDiagnostics(unsupported, err);
  return unsupported.length > 0 ? null : plan;
}

/** Of a text that is known to be right. */
export function loadPlanText(name: string, text: string, workers: number): Plan {
  const { config, source, diagnostics } = loadYaml(text, { file: name, node: undefined });
  if (config === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return compile(config, source, { workers }).plan;
}
