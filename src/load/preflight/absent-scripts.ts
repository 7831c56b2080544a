/**
 * keepalived goes on without a tracked script, or a check of a server, that it cannot find, execute or find the user of
 * (`check_script_secure` in its lib/notify.c, `check_misc_script_security` in its check/check_misc.c). A keepalived.conf means the same here; in YAML such a script fails, for nobody wrote it to be ignored.
 */
import type { Config, Loose } from '../../config/model/config.ts';
import type { Path } from '../../config/findings/diagnostic.ts';
import { entriesOf, itemsOf, listOf } from '../../config/model/parts.ts';
import { findUser } from '../../io/linux/users.ts';
import { chooseUser } from '../../keeper/ha/command-user.ts';
import type { Loaded } from '../../config/load.ts';
import { findProgramFault } from './programs.ts';

type Upstream = NonNullable<NonNullable<Loose<Config>['upstreams']>[string]>;
type Router = NonNullable<NonNullable<Loose<Config>['ha']>[string]>;
type Track = NonNullable<NonNullable<Router['track']>[number]>;

/** A configuration without those programs that keepalived would go on without. */
export function withoutAbsentScripts<C extends Loose<Config>>(config: C, frontEndOf: Loaded['frontEndOf']): C {
  return withoutAbsentTracks(withoutAbsentChecks(config, frontEndOf), frontEndOf);
}

function withoutAbsentChecks<C extends Loose<Config>>(config: C, frontEndOf: Loaded['frontEndOf']): C {
  const absent = new Set(
    programChecksOf(config, frontEndOf)
      .filter(({ isDropped }) => isDropped)
      .map(({ health }) => health),
  );
  if (absent.size === 0) return config;
  const without = <P extends { readonly health?: WholeHealth | undefined }>(part: P): P => {
    const { health, ...rest } = part;
    if (health === undefined) return part;
    const also = health.also?.filter((each) => each === undefined || !absent.has(each)) ?? [];
    if (!absent.has(health))
      return also.length === (health.also?.length ?? 0) ? part : { ...part, health: joined(health, also) };
    if (also.length === 0) return rest as P;
    const { run: _run, user: _user, 'exit-weight': _, ...times } = health;
    return { ...part, health: joined({ ...times, ...also[0] }, also.slice(1)) };
  };
  const upstreams = entriesOf(config.upstreams).map(([name, upstream]) => [
    name,
    without({
      ...upstream,
      ...(upstream.servers === undefined
        ? {}
        : { servers: upstream.servers.map((server) => (typeof server === 'object' ? without(server) : server)) }),
    }),
  ]);
  return { ...config, upstreams: Object.fromEntries(upstreams) as C['upstreams'] };
}

function withoutAbsentTracks<C extends Loose<Config>>(config: C, frontEndOf: Loaded['frontEndOf']): C {
  if (config.ha === undefined) return config;
  const ha = Object.entries(config.ha).map(([name, router]): [string, Router | undefined] => {
    const isMeant = router?.track !== undefined && frontEndOf(['ha', name]) === 'keepalived';
    return [name, isMeant ? { ...router, track: router.track.filter((track) => !isAbsentScript(track)) } : router];
  });
  return { ...config, ha: Object.fromEntries(ha) };
}

export function isAbsentScript(track: Track | undefined): boolean {
  return track?.script !== undefined && isAbsent(track.script);
}

type Health = NonNullable<Upstream['health']>;
type WholeHealth = Omit<Health, 'tls'> & { readonly tls?: unknown };

function joined(health: WholeHealth, also: NonNullable<WholeHealth['also']>): WholeHealth {
  const { also: _also, ...rest } = health;
  return also.length === 0 ? rest : { ...rest, also };
}

interface ProgramCheck {
  readonly path: Path;
  readonly health: Pick<Health, 'run' | 'user'>;
  /** keepalived would go on without it. */
  readonly isDropped: boolean;
}

/** The checks that are programs, of upstreams and of their servers. */
export function programChecksOf(config: Loose<Config>, frontEndOf: Loaded['frontEndOf']): readonly ProgramCheck[] {
  return entriesOf(config.upstreams).flatMap(([name, { health, servers }]) => {
    const path: Path = ['upstreams', name];
    const isMeant = frontEndOf(path) === 'keepalived';
    const own = itemsOf(servers, [...path, 'servers']).map(({ path: at, value }) => ({
      path: [...at, 'health'],
      health: typeof value === 'string' ? undefined : value.health,
    }));
    const whole = [{ path: [...path, 'health'], health }, ...own];
    const parts = whole.flatMap((check) =>
      itemsOf(check.health?.also, [...check.path, 'also']).map(({ path: at, value }) => ({ path: at, health: value })),
    );
    return [...whole, ...parts].flatMap((check) =>
      check.health?.run === undefined
        ? []
        : [{ path: check.path, health: check.health, isDropped: isMeant && isAbsent(check.health) }],
    );
  });
}

function isAbsent({ run, user: names }: Pick<Health, 'run' | 'user'>): boolean {
  const program = run?.[0];
  if (program === undefined) return false;
  const ownUid = process.getuid?.() ?? -1;
  const user = chooseUser(names === undefined ? null : listOf(names), ownUid, findUser);
  return typeof user === 'string' || findProgramFault(program, user, ownUid)?.isAbsent === true;
}
