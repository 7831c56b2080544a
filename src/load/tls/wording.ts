/** How what concerns certificates is told to people. */

/** As `2026-11-29T18:55:00Z`. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `error:0A00018F:SSL routines::ee key too small` without what is for OpenSSL's authors. */
export function opensslReason(error: unknown): string {
  const { message } = error as Error;
  return /^error:[0-9A-F]+:[^:]*:[^:]*:(.+)$/.exec(message)?.[1] ?? message;
}
