/**
 * The ways of a running load balancer that depend on whose command line it was started with: what it says and where, what signals
 * mean, what it leaves in the file system. `evenkeel run` has its own (OwnManner, in run.ts); `evenkeel nginx` and `evenkeel keepalived`
 * have those of the programs that they stand in for.
 */
import type { StatusDocument } from '../api/status.ts';
import type { EngineName } from '../process/engine.ts';
import type { Log } from '../keeper/log/log.ts';
import type { Loaded } from '../load/load.ts';
import type { Wording } from './wording.ts';
import type { SignalMeanings } from '../instance/signals.ts';

/** `heir`: another process had the signals until now. `ward`: it has them still, and passes them on. */
export type Place = 'first' | 'heir' | 'ward';

export interface Manner {
  /** How faults of files are worded. */
  readonly wording: Wording;
  readonly signals: SignalMeanings;
  readonly log: Log;
  /** A listener that cannot be opened is a reason not to start. */
  readonly startsWhole: boolean;
  /** This process is to stay for as long as those that replace it. */
  readonly staysInForeground: boolean;
  /** A line about the files, with its line feed. */
  tell(line: string): void;
  /** The files are right, or have changed and are in force. */
  handleLoaded(loaded: Loaded, isReload: boolean): void;
  /** Null: what every reload says is enough. */
  readonly handleReloadRefused: ((by: string, reasons: readonly string[]) => void) | null;
  /** `text`: what serves, for people. */
  handleServing(text: string, engine: EngineName, place: Place): void;
  handleStartFailed(error: Error): void;
  /** Log files are to be opened anew. */
  reopen(): void;
  /** As two of keepalived's signals ask for. */
  writeStatus(kind: 'dump' | 'statistics', status: StatusDocument): void;
  /** How long a quiet end of this may take. */
  graceMs(loaded: Loaded): number;
  /** Nothing of it is left. */
  handleEnd(): void;
}
