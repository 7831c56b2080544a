/** Who sends to which upstream: found while the listeners are checked, needed when the upstreams are. */
import type { Path } from '../findings/diagnostic.ts';
import { show } from '../findings/diagnostic.ts';
import type { Config, Loose } from '../model/config.ts';
import type { Report } from './report.ts';
import { nearest } from '../findings/suggest.ts';

/** The first listener of each kind that sends there. */
export interface Use {
  http?: string;
  tcp?: string;
  udp?: string;
  /** Passes TLS of its clients on. */
  passed?: string;
}

export class UpstreamUses {
  /** By upstream: the first listener of each kind that sends to it. */
  private readonly uses = new Map<string, Use>();
  private readonly names: ReadonlySet<string>;
  private readonly hasUpstreams: boolean;
  private readonly report: Report;

  constructor(report: Report, document: Loose<Config>) {
    this.report = report;
    this.hasUpstreams = document.upstreams !== undefined;
    this.names = new Set(Object.keys(document.upstreams ?? {}));
  }

  /** `listener` null: it is only looked at. Reports a name that there is not. */
  add(name: string, path: Path, kind: keyof Use, listener: string | null): void {
    // An upstream whose whole content was wrong is not in the document any more.
    const isThere =
      this.names.has(name) ||
      !this.report.lacks(['upstreams'], name) ||
      (!this.hasUpstreams && !this.report.lacks([], 'upstreams'));
    if (!isThere) {
      const near = nearest(name, [...this.names]);
      const fix =
        near === null
          ? `add it: \`upstreams: { ${name}: { servers: [...] } }\``
          : `write ${near}, or add it under \`upstreams\``;
      this.report.atValue(path, 'undefined-upstream', { value: show(name), fix });
      // It is not unused when that is mended.
      if (near !== null && listener !== null) this.use(near);
    }
    const use = this.use(name);
    if (listener !== null) use[kind] ??= listener;
  }

  /** `add`ed, too. */
  addPassed(name: string, listener: string): void {
    this.use(name).passed ??= listener;
  }

  private use(name: string): Use {
    const use = this.uses.get(name) ?? {};
    this.uses.set(name, use);
    return use;
  }

  /** Null: nothing names it. */
  of(name: string): Readonly<Use> | null {
    return this.uses.get(name) ?? null;
  }
}
