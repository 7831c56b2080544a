/**
 * A keepalived.conf leaves it to a script whether the proxy beside it serves. Where an nginx.conf stands beside it, that proxy is this
 * program, which sees in a second what the script sees in its time: then its routers track both.
 */
import type { Path } from './findings/diagnostic.ts';
import type { FrontEndDocument } from './front-end.ts';
import { kindOf } from './model/schema-walk.ts';

type PlainMap = Record<string, unknown>;

/** Changes `value`, of several documents together. A router that tracks nothing tracks its proxies anyhow. */
export function trackOwnProxies(value: unknown, ownerOf: (path: Path) => FrontEndDocument): void {
  const isOf = (path: Path, name: FrontEndDocument['frontEnd']): boolean => ownerOf(path).frontEnd === name;
  const names = (part: string): readonly string[] => Object.keys(mapOf(mapOf(value)[part]));
  if (!names('listeners').some((name) => isOf(['listeners', name], 'nginx'))) return;
  for (const name of names('ha').filter((each) => isOf(['ha', each], 'keepalived'))) {
    const router = mapOf(mapOf(mapOf(value)['ha'])[name]);
    if (Array.isArray(router['track'])) router['track'] = [...(router['track'] as unknown[]), { proxy: true }];
  }
}

function mapOf(value: unknown): PlainMap {
  return kindOf(value) === 'map' ? (value as PlainMap) : {};
}
