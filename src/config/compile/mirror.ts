/** Copies of a route's requests, from the model to the plan. */
import { assert } from '../../base/assert.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { MirrorConfig } from '../model/mirror.ts';
import type { MirrorPlan } from '../plan/route.ts';
import { hundredths } from '../words/units.ts';

export function compileMirror({ body, call, share, to }: MirrorConfig): MirrorPlan {
  assert(call !== undefined || to !== undefined, 'one of both was checked');
  return {
    to: call === undefined ? { kind: 'target', target: to as string } : { kind: 'call', name: call },
    share: hundredths(share ?? DEFAULTS.mirror.share),
    takesBody: body ?? DEFAULTS.mirror.body,
  };
}
