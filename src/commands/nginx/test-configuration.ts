/** `evenkeel nginx -t` and `-T`: nginx's words for whether it would start, and all that it would read. */
import { EXIT_FAILED, EXIT_OK } from '../../cli/exit-codes.ts';
import type { ConfigFile } from '../../cli/config-files.ts';
import { tryListening } from '../../io/linux/listen.ts';
import { loadConfiguration } from '../load.ts';
import type { Manner } from '../manner.ts';
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

export function testConfiguration({ file, isDump, isQuiet, tell, out, err }: TestOptions): number {
  const { printed, loaded } = loadConfiguration({ files: [file], node: null, workers: null, wording: 'nginx' });
  for (const line of printed) tell(line);
  const fail = (): number => {
    err(`nginx: configuration file ${file.path} test failed\n`);
    return EXIT_FAILED;
  };
  if (loaded === null) return fail();
  if (!isQuiet) err(`nginx: the configuration file ${file.path} syntax is ok\n`);
  const { ready, texts } = loaded;
  for (const plan of ready.plan.listeners.flatMap(({ binds }) => binds)) {
    const failure = tryListening(plan.address, plan.dual);
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
