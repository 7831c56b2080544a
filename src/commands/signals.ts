/**
 * What an operator's signals mean: the first SIGTERM or SIGINT asks for an orderly end, the second ends at once with the
 * exit code that a shell would show for it.
 */

/** 128 + the signal's number. */
const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 } as const;

type EndSignal = keyof typeof EXIT_CODES;

/** Resolves at the first signal. `endNow` is called at the second, just before the process exits. */
export function watchSignals(endNow: (signal: EndSignal) => void): Promise<EndSignal> {
  let resolveAsked: ((signal: EndSignal) => void) | null = null;
  let isAsked = false;
  const asked = new Promise<EndSignal>((resolve) => {
    resolveAsked = resolve;
  });
  const handle = (signal: NodeJS.Signals): void => {
    if (!isAsked) {
      isAsked = true;
      resolveAsked?.(signal as EndSignal);
      return;
    }
    endNow(signal as EndSignal);
    process.exit(EXIT_CODES[signal as EndSignal]);
  };
  process.on('SIGTERM', handle);
  process.on('SIGINT', handle);
  return asked;
}
