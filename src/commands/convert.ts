/** `evenkeel convert`: reads a configuration as `check` does, and prints it in YAML. */
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { ConvertOptions } from '../cli/convert.ts';
import { writeYaml } from '../config/yaml/write.ts';
import type { Output } from './check.ts';
import { count } from '../base/count.ts';
import { printDiagnostics, readConfigTexts } from '../load/config-file.ts';
import { prepare, refuses } from '../load/prepare.ts';

export async function convertCommand({ files, node }: ConvertOptions, { out, err }: Output): Promise<number> {
  const texts = readConfigTexts(files, err);
  if (texts === null) return EXIT_FAILED;
  const { diagnostics, ready } = prepare(texts, { node, workers: null, look: () => [] });
  printDiagnostics(diagnostics, err);
  const names = texts.map(({ name }) => name).join(', ');
  if (ready === null) {
    err(`${names}: ${count(diagnostics.filter(refuses).length, 'error')}\n`);
    return EXIT_FAILED;
  }
  out(writeYaml(ready.config, ready.source, `made by \`evenkeel convert\` from ${names}`));
  return EXIT_OK;
}
