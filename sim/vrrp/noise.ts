/** Adverts that must have no effect. */
import { parseIPv4, parseIPv6 } from '../../src/base/address.ts';
import type { Prng } from '../../src/base/prng.ts';
import { AdvertSender } from '../../src/core/vrrp/sender.ts';
import type { VirtualRouterPlan } from '../../src/vip/plan.ts';
import { passwordData } from '../../src/wire/vrrp/advert.ts';
import { TrailerKey } from '../../src/wire/vrrp/trailer.ts';
import type { NoiseFlavour } from './scenario.ts';

export interface NoisePacket {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly payload: Uint8Array;
  readonly ttl: number;
}

/** Null: that flavour would be believed here, rightly. */
export function noisePacket(
  flavour: NoiseFlavour,
  router: VirtualRouterPlan,
  target: Uint8Array,
  isAuthenticated: boolean,
  unixUs: number,
  random: Prng,
): NoisePacket | null {
  const isV4 = router.family === 4;
  const source = (isV4 ? parseIPv4('10.0.0.66') : parseIPv6('fe80::66')) ?? target;
  const other = router.version === 3 ? 2 : 3;
  const version = flavour === 'other-version' && isV4 ? other : router.version;
  const sender = new AdvertSender({
    family: router.family,
    version,
    virtualRouterId: router.virtualRouterId,
    intervalUs: version === 2 ? 1_000_000 : router.intervalUs,
    addresses: [source],
    unicast: router.unicast === null ? null : { peers: [target], ttlMin: 255 },
    checksum: 'message',
    password: version === 2 && router.password !== null ? passwordData(router.password) : null,
    // Another secret than the routers have.
    keys: flavour === 'forged' && random.oneIn(2) ? [new TrailerKey(1, new Uint8Array(32).fill(9))] : null,
  });
  const payload = sender.payload(random.oneIn(3) ? 0 : 255, 0, source, unixUs);
  const packet = { source, destination: sender.destinations[0], payload, ttl: 255 };
  switch (flavour) {
    case 'malformed':
      payload[3] = random.oneIn(2) ? 0 : 200;
      return packet;
    case 'checksum':
      payload[6] ^= 0x55;
      return packet;
    case 'ttl':
      return { ...packet, ttl: 64 };
    case 'other-version':
      if (!isV4) payload[0] = 0x21;
      return packet;
    case 'forged':
      break;
  }
  return isAuthenticated || router.unicast !== null ? packet : null;
}
