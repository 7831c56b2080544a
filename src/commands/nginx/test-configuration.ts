/** `evenkeel nginx -t` and `-T`: nginx's words for whether it would start, and all that it would read. */
import { EXIT_FAILED, EXIT_OK } from '../../cli/exit-codes.ts';
import type { ConfigFile } from '../../cli/config-file.ts';
import { tryListening } from '../../io/linux/listen.ts';
import { printDiagnostics, readConfigTexts } from '../../load/config-file.ts';
import type { Manner } from '../manner.ts';
import { lookAtMachine } from '../../load/preflight/look.ts';
import { rehearseNames } from '../../load/preflight/rehearse.ts';
import { prepare } from '../../load/prepare.ts';
import { bindWords } from './nginx-manner.ts';

export interface TestOptions {
  readonly file: ConfigFile;
  /** Prints what was read. */
  readonly isDump: boolean;
  /** Says nothing of what is right. */
  readonly isQuiet: boolean;
  readonly tell: Manner['tell'];
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export async function testConfiguration({ file, isDump, isQuiet, tell, out, err }: TestOptions): Promise<number> {
  const fail = (): number => {
    err(`nginx: configuration file ${file.path} test failed\n`);
    return EXIT_FAILED;
  };
  const roots = readConfigTexts([file], tell);
  if (roots === null) return fail();
  const { diagnostics, known, ready, texts } = prepare(roots, { node: null, workers: null, look: lookAtMachine });
  printDiagnostics([...diagnostics, ...(ready === null ? [] : await rehearseNames(known))], tell, 'nginx');
  if (ready === null) return fail();
  if (!isQuiet) err(`nginx: the configuration file ${file.path} syntax is ok\n`);
  for (const plan of ready.plan.listeners.flatMap(({ binds }) => binds)) {
    const failure = tryListening({ address: plan.address, isDual: plan.dual, isUdp: plan.isUdp });
    // Most likely by the one whose next configuration this is.
    if (failure === null || failure.code === 'EADDRINUSE') continue;
    tell(`[emerg] ${bindWords({ plan, code: failure.code })}`);
    return fail();
  }
  if (!isQuiet) err(`nginx: configuration file ${file.path} test is successful\n`);
  if (isDump) {
    const included = texts.included.map(({ path, text }) => ({ path, text: text ?? '' }));
    for (const { path, text } of [{ path: file.path, text: texts.roots[0] }, ...included])
      out(`# configuration file ${path}:\n${text}\n`);
  }
  return EXIT_OK;
}
