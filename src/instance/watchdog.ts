/** systemd's watchdog (WatchdogSec=, sd_watchdog_enabled(3)): told for as long as the keeper's event loop turns. */

export function feedWatchdog(environment: NodeJS.ProcessEnv, pid: number, notify: (state: string) => void): void {
  const { WATCHDOG_USEC: periodUs, WATCHDOG_PID: watched } = environment;
  const periodMs = Number(periodUs) / 1_000;
  if (!(periodMs > 0) || (watched !== undefined && Number(watched) !== pid)) return;
  setInterval(() => notify('WATCHDOG=1'), periodMs / 3).unref();
}
