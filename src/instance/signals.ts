/**
 * What an operator's signals mean, by the command line that the program was started with. docs/signals.md has the same as a table;
 * a test compares. A second signal to end, while one is being carried out, ends at once.
 */
import { constants } from 'node:os';

/**
 * `finish`: stop accepting, finish what is in flight, end. `end`: the same without waiting for it. `reload`, `upgrade`: as the commands
 * of these names. `reopen`: log files. `rest`: the proxies finish, and the listening sockets stay until a reload. `dump`, `statistics`:
 * what `status` says goes to a file.
 */
export type SignalMeaning = EndMeaning | OtherMeaning;
type EndMeaning = 'finish' | 'end';
type OtherMeaning = 'reload' | 'upgrade' | 'reopen' | 'rest' | 'dump' | 'statistics';

export type SignalMeanings = Readonly<Partial<Record<NodeJS.Signals, SignalMeaning>>>;

export const EVENKEEL_SIGNALS = {
  SIGTERM: 'finish',
  SIGINT: 'finish',
  SIGHUP: 'reload',
  SIGUSR1: 'reopen',
  SIGUSR2: 'upgrade',
} as const satisfies SignalMeanings;

export const NGINX_SIGNALS = {
  SIGTERM: 'end',
  SIGINT: 'end',
  SIGQUIT: 'finish',
  SIGHUP: 'reload',
  SIGUSR1: 'reopen',
  SIGUSR2: 'upgrade',
  SIGWINCH: 'rest',
} as const satisfies SignalMeanings;

export const KEEPALIVED_SIGNALS = {
  SIGTERM: 'finish',
  SIGINT: 'finish',
  SIGHUP: 'reload',
  SIGUSR1: 'dump',
  SIGUSR2: 'statistics',
} as const satisfies SignalMeanings;

/** Of what has no more than a beginning and an end. */
const END_SIGNALS = { SIGTERM: 'finish', SIGINT: 'finish' } as const satisfies SignalMeanings;

export interface EndAsked {
  readonly signal: NodeJS.Signals;
  readonly isQuiet: boolean;
}

export interface SignalHandler {
  readonly meanings: SignalMeanings;
  readonly handle: (meaning: OtherMeaning, signal: NodeJS.Signals) => void;
}

const NO_OTHERS: SignalHandler = { meanings: END_SIGNALS, handle: () => undefined };

/** Resolves at the first signal to end. `endNow` is called at the second, just before the process exits. */
export function watchSignals(
  endNow: (signal: NodeJS.Signals) => void,
  { meanings, handle }: SignalHandler = NO_OTHERS,
): Promise<EndAsked> {
  return new Promise((resolve) => {
    let isAsked = false;
    for (const [name, meaning] of Object.entries(meanings)) {
      const signal = name as NodeJS.Signals;
      process.on(signal, () => {
        if (meaning !== 'finish' && meaning !== 'end') return handle(meaning, signal);
        if (!isAsked) {
          isAsked = true;
          return resolve({ signal, isQuiet: meaning === 'finish' });
        }
        endNow(signal);
        // As a shell would show it, where it is not what the signal asks for anyway.
        process.exit(meaning === 'end' ? 0 : 128 + constants.signals[signal]);
      });
    }
  });
}
