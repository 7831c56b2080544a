/**
 * Runs the operator's programs when servers, and quorums of upstreams, are found up or down: for each of these one at a time, as
 * LatestProgram does, and of all of them only so many beside each other. They delay nothing: clients are sent elsewhere before.
 */
import type { UpDownPrograms } from '../../config/plan/health.ts';
import type { RunCommand, RunningCommand } from '../ha/command.ts';
import type { CommandUsers } from '../ha/command-user.ts';
import { LatestProgram } from '../ha/latest-program.ts';
import type { Log } from '../log/log.ts';
import { Turns } from './turns.ts';

export interface ServerProgramsOptions {
  readonly run: RunCommand;
  readonly users: Pick<CommandUsers, 'of'>;
  readonly log: Log;
}

/** Of which something is told. */
export interface Subject {
  /** As logs name it: `server web/192.0.2.8:80`, `upstream web`. */
  readonly name: string;
  readonly programs: UpDownPrograms | null;
  readonly environment: Readonly<Record<string, string>>;
}

/** Programs that run at the same time; the others wait for their turn. */
const RUNNING_MAX = 32;

export class ServerPrograms {
  private readonly options: ServerProgramsOptions;
  private readonly turns = new Turns(RUNNING_MAX, 1);
  /** By name, of those for which something runs or waits. */
  private readonly subjects = new Map<string, LatestProgram>();

  constructor(options: ServerProgramsOptions) {
    this.options = options;
  }

  /** So it is now; `stop`: it was up, and evenkeel stops. */
  tell({ name, programs, environment }: Subject, state: 'up' | 'down' | 'stop', reason: string): void {
    if (programs === null) return;
    const command = programs[state];
    if (command === null) return this.subjects.get(name)?.handle(state, null);
    const subject = this.subjects.get(name) ?? this.newSubject(name);
    subject.handle(state, {
      state,
      command,
      user: this.options.users.of(programs.users),
      timeoutMs: programs.timeoutMs,
      environment: { ...environment, EVENKEEL_STATE: state, EVENKEEL_REASON: reason },
    });
  }

  /** Resolves when nothing runs any more, at the latest then: see LatestProgram. */
  async finish(withinMs: number): Promise<void> {
    await Promise.all(Array.from(this.subjects.values(), (each) => each.finish(withinMs)));
  }

  /** Ends what runs, and runs nothing more. */
  stop(): void {
    for (const each of this.subjects.values()) each.stop();
  }

  private newSubject(name: string): LatestProgram {
    const { log } = this.options;
    const subject = new LatestProgram({
      name,
      log,
      run: (request) => this.runInTurn(name, request),
      onIdle: () => this.subjects.delete(name),
    });
    this.subjects.set(name, subject);
    return subject;
  }

  private runInTurn(name: string, request: Parameters<RunCommand>[0]): RunningCommand {
    let running: RunningCommand | null = null;
    let isEnded = false;
    let begin!: () => void;
    const begun = new Promise<RunningCommand | null>((resolve) => {
      begin = () => {
        running = isEnded ? null : this.options.run(request);
        resolve(running);
      };
    });
    const endTurn = this.turns.take(name, begin);
    const gone = begun.then((started) => started?.gone).then(endTurn);
    return {
      result: begun.then(
        (started) => started?.result ?? { isPassed: false, reason: 'it was never started', output: '' },
      ),
      gone,
      get isGone() {
        return running?.isGone ?? false;
      },
      end: () => {
        isEnded = true;
        if (running !== null) running.end();
        else begin();
      },
    };
  }
}
