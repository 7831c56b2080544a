/** What is written of compression, with its defaults. */
import { assert } from '../../base/assert.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { CompressConfig } from '../model/compress.ts';
import { listOf } from '../model/parts.ts';
import type { CompressPlan } from '../plan/response.ts';
import { parseSize } from '../words/units.ts';

/** Null: nothing is compressed. */
export function compileCompress(written: CompressConfig): CompressPlan | null {
  if (written === false) return null;
  const rule = written === true ? {} : written;
  const { codings, level, 'min-length': min, proxied, types, vary } = { ...DEFAULTS.compress, ...rule };
  const minBytes = parseSize(String(min));
  assert(minBytes !== null, 'a size was checked');
  return {
    codings: [...new Set(listOf(codings))],
    level,
    minBytes,
    types: [...listOf(types)],
    proxied: listOf(proxied).flatMap((reason) => (reason === 'none' ? [] : [reason])),
    saysVary: vary,
  };
}
