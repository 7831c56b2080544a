/** A value of the Config to one of the Plan. */
import { assert } from '../../base/assert.ts';
import { parseNetwork, UNIX } from '../words/addresses.ts';
import { DEFAULTS } from '../model/defaults.ts';
import { withLateNames } from '../check/late-values.ts';
import type { ValueConfig } from '../model/config.ts';
import type { ValuePlan } from '../plan/value.ts';
import { hundredths } from '../words/units.ts';

/** `late`: the names of those that are made of what a response says. */
export function compileValue(name: string, config: ValueConfig, late: ReadonlySet<string>): ValuePlan {
  const isLate = late.has(name);
  const value = isLate ? withLateNames(config, late, true) : config;
  const { otherwise = DEFAULTS.value.otherwise } = value;
  if (value.map !== undefined) {
    return {
      kind: 'map',
      name,
      of: value.map,
      exact: Object.entries(value.exact ?? {}).map(([text, to]) => [text.toLowerCase(), to]),
      hosts: Object.entries(value.hosts ?? {}).map(([host, to]) => [host.toLowerCase(), to]),
      regexes: (value.regex ?? []).map(({ is, value: to }) => [is, to]),
      otherwise,
      isKept: value.volatile !== true,
      isLate,
    };
  }
  if (value.split !== undefined) {
    const shares = (value.shares ?? []).map(({ share, value: to }) => [hundredths(share), to] as const);
    return { kind: 'split', name, of: value.split, shares, otherwise };
  }
  const path = value.file ?? value.folder;
  if (path !== undefined) {
    return { kind: 'presence', name, of: value.file === undefined ? 'folder' : 'file', path, isThere: false };
  }
  const { [UNIX]: unix = otherwise, ...written } = value.networks ?? {};
  const networks = Object.entries(written).map(([text, to]) => {
    const network = parseNetwork(text).value;
    assert(network !== null, `${text} was checked`);
    return [network, to] as const;
  });
  return { kind: 'networks', name, of: value.of ?? DEFAULTS.value.of, networks, unix, otherwise };
}
