/**
 * Which servers an upstream has by the lists that come in for it, one after the other. Pure: lists, failures and the time come in.
 *
 * A list that cannot be read, or has nobody in it, changes nothing: what was found before stays. A server that a list does not have any more
 * stays for `holdMs`: a source that loses servers for a moment moves nobody.
 */

export interface Named {
  readonly name: string;
}

interface Known<S> {
  server: S;
  /** When a list came first that does not have it; null: the last one has. */
  missingMs: number | null;
}

export class Finding<S extends Named> {
  private readonly holdMs: number;
  private known = new Map<string, Known<S>>();
  /** Why the last list was of no use, and since when none is; null: it was. */
  problem: { readonly why: string; readonly sinceMs: number } | null = null;
  /** When the last list of use came; null: none has. */
  listedMs: number | null = null;

  constructor(holdMs: number) {
    this.holdMs = holdMs;
  }

  /** In the order of the last list, and behind them those that it does not have. Empty: there was no list yet. */
  get servers(): readonly S[] {
    return Array.from(this.known.values(), ({ server }) => server);
  }

  /** When `handleTime` is due. */
  get deadlineMs(): number {
    const missing = Array.from(this.known.values(), ({ missingMs }) => missingMs ?? Number.POSITIVE_INFINITY);
    return Math.min(Number.POSITIVE_INFINITY, ...missing) + this.holdMs;
  }

  /** Those that the last list does not have, and when they were missed first. */
  get missing(): readonly { readonly server: S; readonly missingMs: number }[] {
    return Array.from(this.known.values()).flatMap(({ server, missingMs }) =>
      missingMs === null ? [] : [{ server, missingMs }],
    );
  }

  /** Before anything else came: the last list of before a restart, and those that were missing in it. */
  recall(list: readonly S[], missing: Finding<S>['missing'], nowMs: number): void {
    this.known = new Map(missing.map((one) => [one.server.name, one]));
    for (const { name } of list) this.known.delete(name);
    this.handleList(list, nowMs);
    this.listedMs = null;
  }

  /** What `servers` are right after a list with these. */
  with(list: readonly S[]): readonly S[] {
    const listed = new Set(list.map(({ name }) => name));
    return [...list, ...this.servers.filter(({ name }) => !listed.has(name))];
  }

  /** A list that is right: at least one server, none twice. */
  handleList(list: readonly S[], nowMs: number): void {
    this.problem = null;
    this.listedMs = nowMs;
    const known = new Map<string, Known<S>>(list.map((server) => [server.name, { server, missingMs: null }]));
    for (const [name, { server, missingMs }] of this.known) {
      if (!known.has(name)) known.set(name, { server, missingMs: missingMs ?? nowMs });
    }
    this.known = known;
    this.handleTime(nowMs);
  }

  /** There is no list, or one that is wrong. */
  handleFailure(why: string, nowMs: number): void {
    this.problem = { why, sinceMs: this.problem?.sinceMs ?? nowMs };
  }

  /** Servers whose time is over leave. */
  handleTime(nowMs: number): void {
    for (const [name, { missingMs }] of this.known)
      if (missingMs !== null && nowMs - missingMs >= this.holdMs) this.known.delete(name);
  }
}
