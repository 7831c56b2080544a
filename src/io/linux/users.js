/**
 * Users and groups of this machine, as the C library knows them: from files, and from the directory services that
 * nsswitch.conf names. Not by getent(1): a process costs more than all the rest of a look-up.
 */
import koffi from 'koffi';
const library = koffi.load(null);
const c = {
  getpwnam_r: library.func('int getpwnam_r(const char *, void *, void *, size_t, void *)'),
  getpwuid_r: library.func('int getpwuid_r(uint32_t, void *, void *, size_t, void *)'),
  getgrgid_r: library.func('int getgrgid_r(uint32_t, void *, void *, size_t, void *)'),
  getgrouplist: library.func('int getgrouplist(const char *, uint32_t, void *, void *)'),
};
/** `struct passwd` begins with two pointers, and then has these; `struct group` is shorter. */
const UID_AT = 16;
const GID_AT = 20;
const ENTRY_BYTES = 64;
/** For the texts of an entry. Of a user they are some hundred bytes, those of a group are names without end. */
const TEXT_BYTES = 64 * 1024;
/** There is such an entry, and its texts are longer. */
const ERANGE = 34;
/** As many as the kernel gives a process (NGROUPS_MAX). */
const GROUPS_MAX = 65_536;
export const findUser = (name) => {
  const entry = new Uint8Array(ENTRY_BYTES);
  if (!isFound((...rest) => c.getpwnam_r(name, ...rest), entry)) return null;
  const view = new DataView(entry.buffer);
  return { uid: view.getUint32(UID_AT, true), gid: view.getUint32(GID_AT, true) };
};
export function isUser(uid) {
  return isFound((...rest) => c.getpwuid_r(uid, ...rest));
}
export function isGroup(gid) {
  return isFound((...rest) => c.getgrgid_r(gid, ...rest));
}
/** The groups of that user, `gid` among them. */
export function groupsOfUser(name, gid) {
  const groups = new Uint32Array(GROUPS_MAX);
  const count = Int32Array.of(GROUPS_MAX);
  const found = c.getgrouplist(name, gid, groups, count);
  return found < 0 ? [gid] : [...groups.subarray(0, count[0])];
}
function isFound(ask, entry = new Uint8Array(ENTRY_BYTES)) {
  const found = new BigUint64Array(1);
  const returned = ask(entry, new Uint8Array(TEXT_BYTES), TEXT_BYTES, found);
  return returned === ERANGE || (returned === 0 && found[0] !== 0n);
}
//# sourceMappingURL=users.js.map
