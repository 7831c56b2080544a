/** `unsupported`: understood, right, and not built yet. */
export type Severity = 'error' | 'warning' | 'unsupported';

/** What is said, and what to write instead. Words in <angle brackets> are filled in. */
export interface Entry {
  readonly severity: Severity;
  readonly message: string;
  readonly remedy: string;
  /** For the reference page: why it is so, where the message does not say it. */
  readonly about?: string;
}
