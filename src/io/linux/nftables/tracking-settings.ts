/**
 * Settings of connection tracking that kernel mode needs, so that a node that has taken over goes on with connections whose
 * beginning it has not seen. What they were before is in the comment of the table, which outlives this process as they do.
 */
import { readSysctl, writeSysctl } from '../segment/sysctl.ts';

const PREFIX = 'evenkeel kernel mode; before it:';

/**
 * `loose`: a connection is tracked from any of its segments on. `liberal`: no segment is invalid, and left untranslated, because
 * the window of its connection is not known.
 */
const SETTINGS = [
  { name: 'nf_conntrack_tcp_loose', wanted: 1, standard: 1 },
  { name: 'nf_conntrack_tcp_be_liberal', wanted: 1, standard: 0 },
] as const;

export class TrackingSettings {
  private before = new Map<string, number>(
    SETTINGS.map(({ name, standard }) => [name, readSysctl(pathOf(name)) ?? standard]),
  );

  /** What they were, for a successor. */
  get comment(): string {
    return `${PREFIX} ${[...this.before].map(([name, value]) => `${name}=${value}`).join(' ')}`;
  }

  /** What a predecessor has found, by its comment. */
  recall(comment: string): void {
    if (!comment.startsWith(PREFIX)) return;
    for (const { name } of SETTINGS) {
      const value = new RegExp(` ${name}=(\\d+)`).exec(comment)?.[1];
      if (value !== undefined) this.before.set(name, Number(value));
    }
  }

  /**
   * They are there only when the kernel tracks connections, as it does for rules of type nat. Those that could not be set: in a
   * container they may be read-only.
   */
  apply(): readonly string[] {
    return SETTINGS.flatMap(({ name, wanted }) => {
      const path = pathOf(name);
      const reason = readSysctl(path) === wanted ? null : writeSysctl(path, wanted);
      return reason === null ? [] : [`${path.replaceAll('/', '.')} to ${wanted} (${reason})`];
    });
  }

  restore(): void {
    for (const [name, value] of this.before) if (readSysctl(pathOf(name)) !== value) writeSysctl(pathOf(name), value);
  }
}

function pathOf(name: string): string {
  return `net/netfilter/${name}`;
}
