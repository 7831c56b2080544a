/**
 * How a process gives up, for good, what it may do: its user, its capabilities, the right to gain others, and to be looked
 * into. Read credentials(7), capabilities(7), and prctl(2) for each option.
 *
 * The kernel keeps all of this per thread, and Node has several threads before a line of ours runs. The C library changes
 * user and groups in all of them. "No new privileges" and the filter go to all of them with the filter (seccomp(2),
 * SECCOMP_FILTER_FLAG_TSYNC). The bounding set and the securebits are those of the main thread only; without new privileges
 * no thread can make use of what is left in the others.
 */
import koffi from 'koffi';
import type { ProcessUser } from '../../port/host.ts';
import { forbidExecution } from './exec-filter.ts';
import type * as libc from './libc.ts';

const library = koffi.load(null);
const c = {
  prctl: library.func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)') as libc.Call,
  capset: library.func('int capset(const void *, const void *)') as libc.Call,
  getrlimit: library.func('int getrlimit(int, void *)') as libc.Call,
  setrlimit: library.func('int setrlimit(int, const void *)') as libc.Call,
};

const PR_SET_DUMPABLE = 4;
const PR_CAPBSET_DROP = 24;
const PR_SET_SECUREBITS = 28;
const PR_SET_NO_NEW_PRIVS = 38;
/** More than any kernel has; unknown ones are refused. */
const CAPABILITIES_MAX = 64;
/**
 * SECBIT_NOROOT, NO_CAP_AMBIENT_RAISE, and the locks of all: being user 0 gives no capability. Not NO_SETUID_FIXUP: leaving user 0
 * is what takes them away.
 */
const SECUREBITS = 0b1110_1011;
const CAPABILITY_VERSION_3 = 0x20080522;
const RLIMIT_MEMLOCK = 8;

/**
 * To be called when everything has been opened that the new user could not open. `user` null: it stays who it is, and gives
 * up the rest. Throws if it cannot become that user, and has then not done so by half: the caller must end.
 */
export function dropPrivileges(user: ProcessUser | null): void {
  // What needs capabilities comes first. Who has none has nothing to lose by it.
  for (let capability = 0; capability < CAPABILITIES_MAX; capability++) c.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  c.prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0);
  if (user !== null) becomeUser(user);
  c.capset(Uint32Array.of(CAPABILITY_VERSION_3, 0), new Uint32Array(6));
  forbidGain();
  forbidExecution();
  forbidDumps();
}

function becomeUser({ name, uid, gid, groups }: ProcessUser): void {
  try {
    process.setgroups!([...groups]);
    process.setgid!(gid);
    process.setuid!(uid);
  } catch (error) {
    throw new Error(`cannot become user ${name} (${uid}): ${(error as Error).message}`, { cause: error });
  }
  if (uid === 0) return;
  let isRootAgain = false;
  try {
    process.setuid!(0);
    isRootAgain = true;
  } catch {
    // As it should be.
  }
  if (isRootAgain) throw new Error(`user ${name} could become root again`);
}

/** No core file, no debugger, no look into memory or environment through /proc, but for root. */
export function forbidDumps(): void {
  c.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/** No program that is started from here has more rights than this process. */
export function forbidGain(): void {
  c.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/** Raises the limit of locked memory to `bytes`, or as near to it as this process may, and returns what it is now. */
export function raiseLockedMemory(bytes: number): number {
  const limit = new BigUint64Array(2); // soft, hard
  if (c.getrlimit(RLIMIT_MEMLOCK, limit) !== 0) return 0;
  const [soft, hard] = limit;
  const wanted = BigInt(bytes);
  if (soft < wanted) {
    const raised = BigUint64Array.of(wanted, hard < wanted ? wanted : hard);
    if (c.setrlimit(RLIMIT_MEMLOCK, raised) !== 0) c.setrlimit(RLIMIT_MEMLOCK, BigUint64Array.of(hard, hard));
    c.getrlimit(RLIMIT_MEMLOCK, limit);
  }
  return Number(limit[0]);
}
