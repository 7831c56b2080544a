/** `evenkeel keepalived`: what each of keepalived's options asks for. */
import { appendFileSync, existsSync } from 'node:fs';
import { constants } from 'node:os';
import { EXIT_FAILED, EXIT_OK } from '../../cli/exit-codes.ts';
import type { KeepalivedOptions } from '../../cli/keepalived-arguments.ts';
import type { Output } from '../check.ts';
import { startDaemon, takeDaemon } from '../daemon.ts';
import { type LoadRequest, loadConfiguration } from '../../load/load.ts';
import { type Program, runInManner } from '../run.ts';
import { SUCCESSOR_VARIABLE } from '../../instance/upgrade/succession.ts';
import { HELP, versionText } from './help.ts';
import { KeepalivedManner } from './keepalived-manner.ts';
import { CONF_PATH, PID_PATH } from './places.ts';
import { openSystemLog } from './system-log.ts';

/** What keepalived ends with (lib/scheduler.h): the file is wrong, or there is none. */
const EXIT_CONFIG_TEST = 5;
const EXIT_NOT_CONFIGURED = 6;

/** By the names that `--signum` knows. */
const SIGNALS: Readonly<Record<string, number>> = {
  STOP: constants.signals.SIGTERM,
  RELOAD: constants.signals.SIGHUP,
  DATA: constants.signals.SIGUSR1,
  STATS: constants.signals.SIGUSR2,
};

export async function keepalivedCommand(
  options: KeepalivedOptions,
  program: Program,
  { out, err }: Output,
): Promise<number> {
  const { showsHelp, showsVersion, signum, test, withoutEffect } = options;
  if (showsHelp) {
    out(HELP);
    return EXIT_OK;
  }
  if (showsVersion) {
    err(versionText(program.version));
    return EXIT_OK;
  }
  if (signum !== null) return tellSignal(signum, { out, err });
  const path = options.file ?? CONF_PATH;
  if (!existsSync(path)) {
    err(`Config files missing '${path}'.\n`);
    return EXIT_NOT_CONFIGURED;
  }
  if (test !== null) return testConfiguration(requestOf(options, path), test, err);
  const daemon = takeDaemon(process.env);
  if (!options.staysInForeground && daemon === null && process.env[SUCCESSOR_VARIABLE] === undefined)
    return startDaemon();
  const socketPath = `${options.pidFile ?? PID_PATH}.control`;
  const output = openSystemLog(options.logsToConsole);
  const manner = new KeepalivedManner({ options, output, daemon, socketPath });
  if (withoutEffect.length > 0) manner.log.warn(`these options have no effect: ${withoutEffect.join(' ')}`);
  const { files, node, part = null } = requestOf(options, path);
  return runInManner(
    {
      files,
      node,
      part,
      engine: null,
      workers: null,
      socket: socketPath,
      logFormat: null,
      logLevel: 'info',
      isRestrained: false,
      isWatching: false,
    },
    program,
    manner,
  );
}

function requestOf({ configId, onlyVrrp, onlyCheckers }: KeepalivedOptions, path: string): LoadRequest {
  return {
    files: [{ path, language: 'keepalived' }],
    node: configId,
    workers: null,
    wording: 'keepalived',
    part: onlyVrrp === onlyCheckers ? null : onlyVrrp ? 'addresses' : 'listeners',
  };
}

/** `log`: empty: stderr. */
function testConfiguration(request: LoadRequest, log: string, err: Output['err']): number {
  const { printed, loaded } = loadConfiguration(request);
  try {
    for (const line of printed)
      if (log === '') err(line);
      else appendFileSync(log, line);
  } catch (error) {
    err(`Unable to open config-test log file ${log}: ${(error as Error).message}\n`);
    return EXIT_FAILED;
  }
  return loaded === null ? EXIT_CONFIG_TEST : EXIT_OK;
}

function tellSignal(name: string, { out, err }: Output): number {
  const number = SIGNALS[name];
  if (number === undefined) {
    err(`Unknown sigfunc ${name}\n`);
    return EXIT_FAILED;
  }
  out(`${number}\n`);
  return EXIT_OK;
}
