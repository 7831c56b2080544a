/** Which flags the cookies of some name get or lose: Secure, HttpOnly and SameSite. */
import { CapturingRegex } from '../../base/regex/regex.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { CookieFlagsPlan } from '../../config/plan/response.ts';
import { equalsIgnoringCase, LOWER } from '../../wire/http1/classes.ts';
import { ascii, emitFragment } from '../../wire/http1/emit.ts';
import type { Cookie } from './cookie.ts';

const FLAGS = ['secure', 'httponly', 'samesite'] as const;
type Flag = (typeof FLAGS)[number];
const NAMES: readonly Uint8Array[] = FLAGS.map((flag) => ascii(flag));
const KEEP = 0;
const ADD = 1;
const REMOVE = 2;

export class CookieFlags {
  private readonly name: Uint8Array | null;
  private readonly regex: CapturingRegex | null;
  private readonly sameSite: Uint8Array;
  private readonly wanted: readonly number[];
  private readonly missing: readonly Uint8Array[];
  /** Of the cookie that is looked at: where its flags are; -1: nowhere. */
  private readonly parts = new Int32Array(FLAGS.length);

  constructor({ name, regex, add, remove }: CookieFlagsPlan) {
    this.name = name === null ? null : encodeUtf8(name.toLowerCase());
    this.regex = regex === null ? null : new CapturingRegex(regex);
    const added = new Map(add.map((flag) => [flag.split('=')[0].toLowerCase() as Flag, flag]));
    const removed = new Set(remove.map((flag) => flag.toLowerCase()));
    this.wanted = FLAGS.map((flag) => (added.has(flag) ? ADD : removed.has(flag) ? REMOVE : KEEP));
    this.sameSite = ascii(added.get('samesite')?.split('=')[1] ?? '');
    this.missing = FLAGS.map((flag) => ascii(`; ${added.get(flag) ?? ''}`));
  }

  isFor(bytes: Uint8Array, { keyAt, keyEnd }: Cookie): boolean {
    const length = keyEnd[0] - keyAt[0];
    if (this.name !== null) return equalsIgnoringCase(bytes, keyAt[0], length, this.name);
    return this.regex?.exec(bytes, keyAt[0], length) === true;
  }

  /** Whether this cookie is to have other flags. */
  begin(bytes: Uint8Array, cookie: Cookie): boolean {
    let isChanged = false;
    for (let flag = 0; flag < FLAGS.length; flag++) {
      this.parts[flag] = -1;
      for (let part = 1; part < cookie.count; part++) {
        const at = cookie.keyAt[part];
        if (equalsIgnoringCase(bytes, at, cookie.keyEnd[part] - at, NAMES[flag])) this.parts[flag] = part;
      }
      const isThere = this.parts[flag] >= 0;
      const wanted = this.wanted[flag];
      const isOther = flag === 2 && isThere && wanted === ADD && !this.isSame(bytes, cookie, this.parts[flag]);
      isChanged ||= (wanted === ADD && !isThere) || (wanted === REMOVE && isThere) || isOther;
    }
    return isChanged;
  }

  private isSame(bytes: Uint8Array, { valueAt, valueEnd }: Cookie, part: number): boolean {
    const length = valueEnd[part] - valueAt[part];
    if (length !== this.sameSite.length) return false;
    return this.sameSite.every((byte, i) => LOWER[bytes[valueAt[part] + i]] === LOWER[byte]);
  }

  removes(part: number): boolean {
    return part > 0 && this.wanted.some((wanted, flag) => wanted === REMOVE && this.parts[flag] === part);
  }

  /** The part is SameSite, with another value. */
  replaces(part: number): boolean {
    return part > 0 && this.wanted[2] === ADD && this.parts[2] === part;
  }

  writeSameSite(out: Uint8Array, at: number): number {
    return emitFragment(out, at, this.sameSite);
  }

  writeMissing(out: Uint8Array, at: number): number {
    for (let flag = 0; flag < FLAGS.length; flag++) {
      if (this.wanted[flag] === ADD && this.parts[flag] < 0) at = emitFragment(out, at, this.missing[flag]);
    }
    return at;
  }
}
