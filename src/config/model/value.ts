/** Values that an operator names: made of others, through a map. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { absolutePath, capturingRegex, flag, key, mapTemplate, required, share, template } from './scalars.ts';

const HostTexts = z.record(z.string().meta({ title: 'host pattern', examples: ['*.shop.example'] }), mapTemplate);

export const Value = z.strictObject({
  map: key(
    mapTemplate,
    'The value depends on this text: on `exact`, then `hosts`, then `regex`. With a [value of a response](../headers.md#values-of-the-response) in it, it can be read in `headers.response` and `headers.success` alone.',
  ),
  exact: key(
    z.record(z.string().meta({ title: 'text', examples: ['websocket'] }), mapTemplate),
    'With `map`: by text, compared without regard to case: the value.',
  ),
  hosts: key(
    HostTexts,
    'With `map`: by `*.shop.example` or `www.*`; the longest counts, the first kind before the second.',
  ),
  regex: key(
    z.array(
      z.strictObject({
        is: required(capturingRegex, 'Where this ECMAScript regular expression matches ...', '^10\\.'),
        value: required(mapTemplate, '... this is the value.', 'inside'),
      }),
    ),
    'With `map`: the first that matches.',
  ),
  volatile: key(flag, 'With `map`: made anew wherever it is read, not once for a request.', false),
  networks: key(
    z.record(z.string().meta({ title: 'network', examples: ['10.0.0.0/8'] }), template),
    'By network or address: the value for the addresses in it; the longest counts. `unix`: where there is no address, as of a client of a Unix socket.',
  ),
  lists: key(
    z.record(z.string().meta({ title: 'path of a file', examples: ['/etc/evenkeel/blocked'] }), template),
    'With `networks`: by file the value for the networks in it, one a line, which are read when the configuration is. What `networks` says of the same network goes before.',
  ),
  split: key(template, 'The value depends on a hash (MurmurHash2) of this text: equal texts have equal values.'),
  shares: key(
    z.array(
      z.strictObject({
        share: required(share, 'This part of all texts ...', '12.5%'),
        value: required(template, '... has this value.', 'canary'),
      }),
    ),
    'With `split`.',
  ),
  file: key(
    absolutePath,
    'The value is `1` while there is this file, which the keeper looks for twice a second, and empty while there is none.',
  ),
  folder: key(absolutePath, 'The same of a folder.'),
  of: key(template, 'With `networks`: the address.', DEFAULTS.value.of),
  otherwise: key(mapTemplate, 'The value where nothing else says one.', DEFAULTS.value.otherwise),
});
