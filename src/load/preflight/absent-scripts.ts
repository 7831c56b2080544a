/**
 * keepalived goes on without a tracked script that it cannot find, execute or find the user of (`check_script_secure` in its
 * lib/notify.c). A keepalived.conf means the same here; in YAML such a script fails, for nobody wrote it to be ignored.
 */
import type { Config, Loose } from '../../config/model.ts';
import { listOf } from '../../config/parts.ts';
import { findUser } from '../../io/linux/users.ts';
import { chooseUser } from '../../keeper/ha/command-user.ts';
import type { Loaded } from '../../config/load.ts';
import { findProgramFault } from './programs.ts';

type Router = NonNullable<NonNullable<Loose<Config>['ha']>[string]>;
type Track = NonNullable<NonNullable<Router['track']>[number]>;

/** A configuration without those scripts that keepalived would go on without. */
export function withoutAbsentScripts<C extends Loose<Config>>(config: C, frontEndOf: Loaded['frontEndOf']): C {
  if (config.ha === undefined) return config;
  const ha = Object.entries(config.ha).map(([name, router]): [string, Router | undefined] => {
    const isMeant = router?.track !== undefined && frontEndOf(['ha', name]) === 'keepalived';
    return [name, isMeant ? { ...router, track: router.track.filter((track) => !isAbsentScript(track)) } : router];
  });
  return { ...config, ha: Object.fromEntries(ha) };
}

export function isAbsentScript(track: Track | undefined): boolean {
  const program = track?.script?.run?.[0];
  if (program === undefined) return false;
  const ownUid = process.getuid?.() ?? -1;
  const names = track?.script?.user;
  const user = chooseUser(names === undefined ? null : listOf(names), ownUid, findUser);
  return typeof user === 'string' || findProgramFault(program, user, ownUid)?.isAbsent === true;
}
