/** `evenkeel nginx`: what each of nginx's options asks for. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { EXIT_FAILED, EXIT_OK } from '../../cli/exit-codes.ts';
import type { NginxOptions, NginxSignal } from '../../cli/nginx-arguments.ts';
import { readNginxProcesses } from '../../config/nginx/front-end.ts';
import { isNginxSuccessor } from '../../io/linux/nginx-sockets.ts';
import type { Output } from '../check.ts';
import { startDaemon, takeDaemon } from '../daemon.ts';
import { IncludedFiles } from '../../load/included-files.ts';
import { loadConfiguration } from '../../load/load.ts';
import { readPid } from '../pid-file.ts';
import { type Program, runInManner } from '../run.ts';
import { SUCCESSOR_VARIABLE } from '../../instance/upgrade/succession.ts';
import { ErrorLog } from './error-log.ts';
import { NginxManner, tellFault } from './nginx-manner.ts';
import { Places } from './places.ts';
import { systemWords } from './system-words.ts';
import { HELP, versionText } from './tell-version.ts';
import { testConfiguration } from './test-configuration.ts';

const SIGNALS = { stop: 'SIGTERM', quit: 'SIGQUIT', reopen: 'SIGUSR1', reload: 'SIGHUP' } as const satisfies Readonly<
  Record<NginxSignal, NodeJS.Signals>
>;

export async function nginxCommand(options: NginxOptions, program: Program, { out, err }: Output): Promise<number> {
  const { showsHelp, showsVersion, showsModules, isTest, isDump, isQuiet, signal } = options;
  if (showsVersion) {
    err(versionText(program.version, showsModules));
    if (showsHelp) err(HELP);
    if (!isTest) return EXIT_OK;
  }
  const places = new Places(options);
  const errorLog = new ErrorLog(places.errorLog);
  const { file } = places;
  const daemon = takeDaemon(process.env);
  const unreadable = whyUnreadable(file.path);
  if (unreadable !== null) {
    errorLog.put('emerg', `open() "${file.path}" failed (${unreadable})`);
    if (isTest) err(`nginx: configuration file ${file.path} test failed\n`);
    return EXIT_FAILED;
  }
  const tell = (line: string): void => tellFault(line, errorLog);
  if (isTest) return testConfiguration({ file, isDump, isQuiet, tell, out, err });
  if (signal !== null) {
    // As nginx: a file that is wrong is said now, and nothing is sent.
    const { printed, loaded } = loadConfiguration({ files: [file], node: null, workers: null, wording: 'nginx' });
    // What is only warned of is in the log of the one that runs: this may be called every night.
    if (loaded !== null) return sendSignal(signal, places.pidFile(loaded.ready.processes!), errorLog);
    for (const line of printed) tell(line);
    return EXIT_FAILED;
  }
  const text = readFileSync(file.path, 'utf8');
  const processes = readNginxProcesses({ ...file, name: file.path, text }, new IncludedFiles());
  // Somebody waits for this very process.
  const isSuccessor = process.env[SUCCESSOR_VARIABLE] !== undefined || isNginxSuccessor(process.env);
  // What is wrong with the file is said by who reads it to serve.
  const staysInForeground = processes?.isDaemon !== true;
  if (!staysInForeground && !isSuccessor && daemon === null) return startDaemon();
  const socket = processes === null ? null : `${places.pidFile(processes)}.control`;
  return runInManner(
    {
      files: [file],
      node: null,
      engine: null,
      workers: null,
      socket,
      logFormat: null,
      logLevel: 'info',
      isRestrained: false,
      isWatching: false,
    },
    program,
    new NginxManner({ places, errorLog, daemon, staysInForeground }),
  );
}

/** Null: it can be read. */
function whyUnreadable(path: string): string | null {
  try {
    closeSync(openSync(path, 'r'));
    return null;
  } catch (error) {
    return systemWords(error);
  }
}

function sendSignal(name: NginxSignal, path: string, errorLog: ErrorLog): number {
  let pid: number | string | null;
  try {
    pid = readPid(path);
  } catch (error) {
    errorLog.put('error', `open() "${path}" failed (${systemWords(error)})`);
    return EXIT_FAILED;
  }
  if (typeof pid !== 'number' || pid === 0) {
    const text =
      pid === null
        ? `open() "${path}" failed (2: No such file or directory)`
        : `invalid PID number "${pid}" in "${path}"`;
    errorLog.put('error', text);
    return EXIT_FAILED;
  }
  try {
    process.kill(pid, SIGNALS[name]);
    return EXIT_OK;
  } catch (error) {
    errorLog.put('alert', `kill(${pid}, ${SIGNALS[name]}) failed (${systemWords(error)})`);
    return EXIT_FAILED;
  }
}
