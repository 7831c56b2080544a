/** Limiters that the limits of routes name: they are there, and say what is asked of them. */
import { lookUp } from '../../base/look-up.ts';
import { type Path, show } from '../findings/diagnostic.ts';
import type { Config, Loose, RouteConfig } from '../model/config.ts';
import { itemsOf } from '../model/parts.ts';
import type { Report } from './report.ts';
import { nearest } from '../findings/suggest.ts';

type RouteLimits = NonNullable<Loose<RouteConfig>['limits']>;

export function checkLimits(document: Loose<Config>, report: Report): void {
  eachRouteLimits(document.listeners, ['listeners'], (limits, path) => {
    for (const part of ['requests', 'connections'] as const) {
      for (const { path: at, value: use } of itemsOf<{ readonly of?: string | undefined }>(limits[part], [
        ...path,
        part,
      ])) {
        if (use.of !== undefined) checkUse(use.of, part, [...at, 'of'], document, report);
      }
    }
  });
}

function checkUse(
  name: string,
  part: 'requests' | 'connections',
  at: Path,
  document: Loose<Config>,
  report: Report,
): void {
  const { limiters = {} } = document;
  const limiter = lookUp(limiters, name);
  if (limiter === undefined) {
    const isTakenOut = !report.lacks(['limiters'], name) || !report.lacks([], 'limiters');
    if (isTakenOut) return;
    const near = nearest(name, Object.keys(limiters));
    const fix = near === null ? `add it: \`limiters: { ${name}: { rate: 10/s } }\`` : `write ${near}`;
    report.atValue(at, 'undefined-limiter', { value: show(name), fix });
  } else if (part === 'requests' && limiter.rate === undefined && report.lacks(['limiters', name], 'rate')) {
    const fix = 'for example `rate: 10/s`';
    report.atKey(['limiters', name], 'missing-key', { place: `\`limiters.${name}\``, key: 'rate', fix });
  }
}

/** Those of routes, of what their steps take too. */
function eachRouteLimits(part: unknown, path: Path, look: (limits: RouteLimits, path: Path) => void): void {
  if (typeof part !== 'object' || part === null) return;
  for (const [key, inner] of Object.entries(part)) {
    const at: Path = [...path, Array.isArray(part) ? Number(key) : key];
    if (key === 'limits' && path.includes('routes')) look(inner as RouteLimits, at);
    else eachRouteLimits(inner, at, look);
  }
}
