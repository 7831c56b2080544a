/** `evenkeel run`: reads the configuration, starts the keeper, and stays until a signal. */
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { RunOptions } from '../cli/run.ts';
import type { Sight } from '../core/settled-files.ts';
import { EngineError, type EngineName } from '../process/engine.ts';
import { findFooting } from '../process/footing.ts';
import { keepCapabilities } from '../io/linux/capabilities.ts';
import { forbidDumps } from '../io/linux/privileges.ts';
import { linuxHost } from '../io/linux/host.ts';
import { Events } from '../keeper/api/events.ts';
import { bindChildren } from '../keeper/program-identity.ts';
import { journalLine, type Log } from '../keeper/log/log.ts';
import { type LogOutput, openLog } from '../instance/log-output.ts';
import { StartError } from '../keeper/start-error.ts';
import { proxyCount } from '../keeper/proxies/supervisor.ts';
import { Instance } from '../instance/instance.ts';
import type { Print } from '../load/config-file.ts';
import { defaultWorkers } from '../load/default-workers.ts';
import type { Loaded, LoadRequest, LoadResult } from '../load/load.ts';
import { storePath } from '../load/configuration-store.ts';
import { Loader } from '../load/loader.ts';
import type { Manner } from './manner.ts';
import { ServiceState } from '../instance/service-state.ts';
import { FileWatch } from '../load/file-watch.ts';
import { Parent } from '../instance/upgrade/parent.ts';
import { Succession } from '../instance/upgrade/succession.ts';
import type { Successor } from '../instance/upgrade/upgrader.ts';
import { feedWatchdog } from '../instance/watchdog.ts';
import { type EndAsked, EVENKEEL_SIGNALS, watchSignals } from '../instance/signals.ts';
import { runDirectory, socketToOpen, stateDirectory } from '../instance/socket-path.ts';

export interface Program {
  readonly version: string;
  /** Runs this program's main file: the interpreter, the file. */
  readonly command: readonly [string, string];
}

export function runCommand(options: RunOptions, program: Program): Promise<number> {
  return runInManner(options, program, new OwnManner(options, program));
}

/** The ways of `evenkeel run`. */
class OwnManner implements Manner {
  readonly wording = 'evenkeel';
  readonly signals = EVENKEEL_SIGNALS;
  readonly log: Log;
  readonly startsWhole = false;
  readonly staysInForeground = true;
  readonly handleReloadRefused = null;
  private readonly output: LogOutput;
  private readonly version: string;

  constructor({ logFormat, logLevel }: RunOptions, { version }: Program) {
    this.output = openLog(logFormat, logLevel);
    this.log = this.output.log;
    this.version = version;
  }

  tell(line: string): void {
    const { write, format } = this.output;
    const level = line.includes(': warning: ') ? 'warn' : 'error';
    write(format === 'journal' ? journalLine(level, line) : line);
  }

  handleServing(text: string, engine: EngineName): void {
    process.stdout.write(`evenkeel ${this.version} ready: ${text}, engine ${engine}\n`);
  }

  handleStartFailed({ message }: Error): void {
    this.log.error(`cannot start: ${message}`);
  }

  graceMs({ ready }: Loaded): number {
    return ready.plan.graceMs;
  }

  handleLoaded({ ready }: Loaded): void {
    this.output.copyTo(ready.log);
  }

  reopen(): void {}
  writeStatus(): void {}
  handleEnd(): void {}
}

export async function runInManner(options: RunOptions, program: Program, manner: Manner): Promise<number> {
  const name = options.files.map(({ path }) => path).join(' ');
  // Who looks for processes of nginx means those that serve: no name of a file may look like one.
  process.title = `evenkeel: run ${options.files.flatMap(({ path }) => (/nginx/i.test(path) ? [] : [path])).join(' ')}`;
  bindChildren(process.env);
  // Node parses all of them at its start, and no child has a use for one.
  delete process.env['NODE_EXTRA_CA_CERTS'];
  keepCapabilities();
  forbidDumps();
  const events = new Events(Date.now);
  const log = events.over(manner.log);
  const succession = Succession.take(process.env);
  const service = new ServiceState((state) => linuxHost.notifyServiceManager(state), succession === null);
  const { workers } = options;
  let instance: Instance | null = null;
  const asked = watchSignals(
    (signal) => {
      log.warn(`${signal} again: ending at once`);
      instance?.kill();
      manner.handleEnd();
    },
    {
      meanings: manner.signals,
      handle(meaning, signal) {
        if (meaning === 'reopen') manner.reopen();
        // Until it serves there is nothing that could go on by another file, or as another program.
        void instance?.obey(meaning, signal).catch(() => undefined);
      },
    },
  );
  let named: Sight = new Map();
  const watch = new FileWatch({
    files: () => named,
    isPaused: () => instance?.isUpgrading === true,
    onChange: (changed) => void instance?.reload(`a change of ${changed.join(', ')}`).catch(() => undefined),
  });
  const { wording } = manner;
  const directory = stateDirectory(process.env);
  // Who runs it as another program counts on that one's files.
  const store = wording === 'evenkeel' ? storePath(directory, options.files, options.node) : null;
  const loader = new Loader({
    request: {
      files: options.files,
      node: options.node,
      workers,
      stateDirectory: directory,
      storePath: store,
      wording,
      part: options.part ?? null,
    },
  });
  const read = async (print: Print, how: Pick<LoadRequest, 'isStart' | 'isReload'>): Promise<Loaded | null> => {
    const { printed, files, loaded: read } = await loader.load(how);
    for (const line of printed) print(line);
    if (files.size > 0) named = files;
    return read;
  };
  const readOther = async (source: NonNullable<LoadRequest['source']>): Promise<LoadResult> => {
    const result = await loader.load({ source });
    // The files that were read before were not read now.
    named = source === 'files' ? result.files : new Map([...result.files, ...named]);
    return result;
  };
  let certificateWatch: FileWatch;
  let presenceWatch: FileWatch;
  const faults: string[] = [];
  const loaded = await read(
    (line) => {
      faults.push(line.trim());
      manner.tell(line);
    },
    { isStart: succession === null && !manner.startsWhole },
  );
  if (loaded === null) {
    await succession?.fail(faults.join('\n'));
    return EXIT_FAILED;
  }
  const { ready } = loaded;
  // As many as a reload may ask for: with `--workers` it is as many as there are.
  const workersMax = workers ?? Math.max(ready.plan.workers, defaultWorkers());
  // Who starts it counts on this process, if it is not a service manager that can be told of another one.
  const isManaged = process.env['NOTIFY_SOCKET'] !== undefined;
  const isCountedOn = process.pid === 1 || !isManaged;
  const isParent = succession === null && manner.staysInForeground && isCountedOn;

  try {
    manner.handleLoaded(loaded, false);
    const probeCommand = [...program.command, '__probe'] as const;
    const { engine, user, problems } = await findFooting({
      user: ready.user,
      engine: options.engine,
      workers: workersMax,
      probeCommand,
    });
    // Without listeners the addresses are all there is.
    const proxies = ready.plan.listeners.length === 0 ? 'no proxy' : proxyCount(ready.plan.workers);
    log.info(`evenkeel ${program.version} starts ${proxies}, engine ${engine.text}`, {
      file: name,
      pid: process.pid,
      ...(user === null ? {} : { user: user.name }),
    });
    for (const problem of problems) log.warn(problem);
    instance = new Instance({
      loaded,
      read: (print) => read(print, { isReload: true }),
      readOther,
      compare: (config) => loader.compare(config),
      readAdminTls: (files) => loader.readAdminTls(files),
      storePath: store,
      renewCertificates: (request) => loader.renewCertificates(request),
      proxyUser: user,
      problems,
      version: program.version,
      fixed: {
        user: ready.user,
        isNodeGiven: options.node !== null,
        workersMax: workers === null ? workersMax : null,
      },
      service,
      succession,
      inherited: (await succession?.inherit(program.version)) ?? null,
      isManaged,
      isParent,
      workersMax,
      log,
      events,
      command: program.command,
      proxyCommand: proxyCommand(program, engine.engine),
      ownServerCommand: program.command,
      socketPath: socketToOpen(options.socket, process.env, process.getuid?.() ?? -1),
      isSocketWanted: options.socket !== null || ready.ha !== null || ready.announce !== null,
      runDirectory: runDirectory(process.env),
      stateDirectory: directory,
      isRestrained: options.isRestrained,
      manner,
    });
    const running = instance;
    const { renewals } = instance;
    certificateWatch = new FileWatch({
      files: () => renewals.certificateFiles,
      isPaused: () => running.isUpgrading,
      onChange: () => void renewals.renewCertificates(),
    });
    presenceWatch = new FileWatch({
      files: () => renewals.presenceFiles,
      isPaused: () => running.isUpgrading,
      onChange: () => void renewals.renewPresence(),
    });
    const started = instance.start();
    const first = await Promise.race([started, asked]);
    if (typeof first === 'object') {
      started.catch(() => undefined);
      log.info(`${first.signal} during the start: ending`);
      instance.giveUp();
      return EXIT_OK;
    }
    const place = succession === null ? 'first' : manner.staysInForeground && isCountedOn ? 'ward' : 'heir';
    manner.handleServing(`${first}; ${proxies}`, engine.engine, place);
    service.ready();
    feedWatchdog(process.env, process.pid, (state) => service.notify(state));

    if (options.isWatching) watch.start();
    certificateWatch.start();
    presenceWatch.start();
    const end = await Promise.race([asked, instance.succeeded]);
    watch.stop();
    certificateWatch.stop();
    presenceWatch.stop();
    if ('pid' in end) return await finishAsOld(instance, end, isParent, asked);
    service.stopping();
    if (!end.isQuiet) {
      log.info(`${end.signal}: ending`);
      await instance.end();
      return EXIT_OK;
    }
    const { graceMs } = instance;
    const open = instance.connections();
    const which = open === '' ? '' : ` (connections: ${open})`;
    log.info(
      `${end.signal}: finishing what is in flight${which}, for up to ${graceMs / 1000} s; a second signal ends at once`,
    );
    await instance.stop();
    log.info('ended');
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof StartError) && !(error instanceof EngineError)) throw error;
    instance?.giveUp();
    manner.handleStartFailed(error);
    await succession?.fail(error.message);
    return EXIT_FAILED;
  } finally {
    manner.handleEnd();
  }
}

/** Another keeper is in charge: this one finishes what it has, and where it is counted on, it stays for as long as that one. */
async function finishAsOld(
  instance: Instance,
  successor: Successor,
  isParent: boolean,
  asked: Promise<EndAsked>,
): Promise<number> {
  const finished = instance.giveWay(successor.addresses);
  if (!isParent) {
    void asked.then(({ isQuiet }) => instance.hasten(isQuiet ? instance.graceMs : 0));
    await finished;
    return EXIT_OK;
  }
  process.title = 'evenkeel: parent';
  const parent = new Parent(instance.wards);
  const ended = parent.run();
  parent.handleInCharge(successor.pid);
  instance.onInCharge((pid) => parent.handleInCharge(pid));
  void finished.then(() => instance.wards.takeAll());
  return ended;
}

/**
 * Nothing that serves allocates much, but what a large plan is made of lives on: of that little is copied at a time, and by the thread
 * itself, which would wait for others that have no processor to run on.
 */
const PROXY_NODE_OPTIONS: readonly string[] = ['--max-semi-space-size=1', '--no-parallel-scavenge'];

export function proxyCommand(program: Program, engine: EngineName): [string, ...string[]] {
  const [node, main] = program.command;
  return [node, ...PROXY_NODE_OPTIONS, main, '__proxy', engine];
}
