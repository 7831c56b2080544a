/** The adverts of a virtual router as bytes: IP payloads, ready for their destination. */
import { assert } from '../../base/assert.ts';
import { equalBytes } from '../../base/bytes.ts';
import {
  type Advert,
  advertBytes,
  AUTH_NONE,
  AUTH_PASSWORD,
  type ChecksumForm,
  type ChecksumMatch,
  emitAdvert,
  fillAdvertChecksum,
  VRRP_GROUP_4,
  VRRP_GROUP_6,
} from '../../wire/vrrp/advert.ts';
import { TRAILER_BYTES } from '../../wire/vrrp/trailer.ts';
import { US_PER_CS } from './intervals.ts';
import { SendSequence } from './sequence.ts';
import type { AdvertSettings } from './settings.ts';

/**
 * Before a peer was heard. keepalived, FRR and Wireshark take the pseudo-header for version 3 over IPv4, and keepalived
 * refuses the other form; RFC 9568 section 5.2.8 asks for the message alone.
 */
const FIRST_FORM: ChecksumForm = 'pseudo-header';

export class AdvertSender {
  /** Where every advert goes: the group, or each unicast peer. */
  destinations: readonly Uint8Array[];
  private settings: AdvertSettings;
  private auth: Advert['auth'];
  /** For each destination. */
  private forms: ChecksumForm[];
  private readonly sequence: SendSequence;

  constructor(settings: AdvertSettings) {
    this.settings = settings;
    this.destinations = destinationsOf(settings);
    this.sequence = new SendSequence(settings.intervalUs);
    this.auth = authOf(settings);
    this.forms = this.destinations.map(() => this.firstForm());
  }

  /** Sends by these from now on. The sequence of signed adverts goes on, and so does what was mirrored. */
  apply(settings: AdvertSettings): void {
    const { version, checksum } = this.settings;
    const former = version === settings.version && checksum === settings.checksum ? this.destinations : [];
    const { forms } = this;
    this.settings = settings;
    this.destinations = destinationsOf(settings);
    this.auth = authOf(settings);
    this.sequence.apply(settings.intervalUs);
    this.forms = this.destinations.map((each) => {
      return forms[former.findIndex((other) => equalBytes(each, other))] ?? this.firstForm();
    });
  }

  /** A peer was heard with that checksum: with `mirror`, the same is sent from now on, to it or to the group. */
  mirror(source: Uint8Array, form: ChecksumMatch): void {
    const { settings } = this;
    if (form === 'both' || settings.checksum !== 'mirror' || settings.version === 2 || settings.family === 6) return;
    const index = settings.unicast === null ? 0 : this.destinations.findIndex((peer) => equalBytes(peer, source));
    if (index >= 0) this.forms[index] = form;
  }

  /** The payload for the destination with that index, from `source`. `unixUs` is the time since 1970. */
  payload(priority: number, destinationIndex: number, source: Uint8Array, unixUs: number): Uint8Array {
    const { settings } = this;
    const advert: Advert = {
      version: settings.version,
      virtualRouterId: settings.virtualRouterId,
      priority,
      intervalCs: settings.intervalUs / US_PER_CS,
      addresses: settings.addresses,
      auth: this.auth,
    };
    const key = settings.keys?.[0];
    const bytes = new Uint8Array(advertBytes(advert) + (key === undefined ? 0 : TRAILER_BYTES));
    const destination = this.destinations[destinationIndex];
    const form = this.forms[destinationIndex];
    const messageEnd = emitAdvert(advert, bytes, 0);
    if (settings.family === 4) fillAdvertChecksum(bytes, 0, messageEnd, form, source, destination);
    if (key !== undefined) key.emit(bytes, 0, messageEnd, source, this.sequence.next(unixUs));
    if (settings.family === 6) fillAdvertChecksum(bytes, 0, bytes.length, form, source, destination);
    return bytes;
  }

  private firstForm(): ChecksumForm {
    const { version, family, checksum } = this.settings;
    if (version === 2) return 'message';
    return family === 6 || checksum === 'mirror' ? FIRST_FORM : checksum;
  }
}

function destinationsOf({ unicast, family }: AdvertSettings): readonly Uint8Array[] {
  return unicast?.peers ?? [family === 4 ? VRRP_GROUP_4 : VRRP_GROUP_6];
}

function authOf(settings: AdvertSettings): Advert['auth'] {
  assert(settings.version === 2 || settings.password === null, 'a password is of version 2');
  assert(settings.keys === null || settings.keys.length > 0, 'no key to sign with');
  if (settings.version === 3) return null;
  if (settings.password === null) return { type: AUTH_NONE, data: new Uint8Array(8) };
  return { type: AUTH_PASSWORD, data: settings.password };
}
