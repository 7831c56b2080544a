/**
 * What a node tells its peers of itself, for people: bounded, whatever it has. Words for states are text here, so that one of a later version is shown as it is.
 * Ages are of the moment when it was sent: the clocks of two machines need not agree.
 */

export interface NodeSummary {
  readonly uptimeMs: number;
  readonly isStopping: boolean;
  readonly routers: readonly RouterSummary[];
  /** Absent: it is of a version that has none. */
  readonly announcements?: readonly AnnouncementSummary[];
  readonly upstreams: readonly UpstreamSummary[];
  /** What holds there by hand. */
  readonly overrides: readonly OverrideSummary[];
  /** What is less than it should be there. */
  readonly problems: readonly string[];
  /** Of all of these together: what there was no room for. */
  readonly leftOut: number;
}

export interface RouterSummary {
  readonly name: string;
  readonly state: string;
  /** Why it does not preempt. Null: it does. */
  readonly restraint: string | null;
}

export interface AnnouncementSummary {
  readonly name: string;
  readonly state: string;
  readonly ageMs: number;
  /** Why it is not announced. Null: nothing keeps it from that. */
  readonly obstacle: string | null;
}

export interface UpstreamSummary {
  readonly name: string;
  /** Servers that take requests, of so many. */
  readonly up: number;
  readonly servers: number;
}

export interface OverrideSummary {
  /** `server web/a`. */
  readonly subject: string;
  /** `drained; the file says enabled`. */
  readonly said: string;
  readonly by: string | null;
  readonly ageMs: number;
}

/** Of each list. All of it, in the widest of characters, is less than a message may have. */
export const LISTED_MAX = 50;
const ANNOUNCEMENTS_MAX = 20;
const TEXT_MAX = 200;

/** The same within the bounds: as much of each list as there is room for, and texts cut. `alreadyLeftOut`: so much of the lists has been before. */
export function bounded(whole: Omit<NodeSummary, 'leftOut'>, alreadyLeftOut: number): NodeSummary {
  const { announcements = [], routers, upstreams, overrides, problems } = whole;
  const leftOut = [routers, upstreams, overrides, problems].reduce(
    (sum, { length }) => sum + Math.max(0, length - LISTED_MAX),
    alreadyLeftOut + Math.max(0, announcements.length - ANNOUNCEMENTS_MAX),
  );
  return {
    ...whole,
    routers: routers.slice(0, LISTED_MAX).map(({ name, state, restraint }) => {
      return { name: cut(name), state, restraint: restraint === null ? null : cut(restraint) };
    }),
    announcements: announcements.slice(0, ANNOUNCEMENTS_MAX).map(({ name, state, ageMs, obstacle }) => {
      return { name: cut(name), state, ageMs, obstacle: obstacle === null ? null : cut(obstacle) };
    }),
    upstreams: upstreams.slice(0, LISTED_MAX).map(({ name, up, servers }) => ({ name: cut(name), up, servers })),
    overrides: overrides.slice(0, LISTED_MAX).map(({ subject, said, by, ageMs }) => {
      return { subject: cut(subject), said: cut(said), by: by === null ? null : cut(by), ageMs };
    }),
    problems: problems.slice(0, LISTED_MAX).map(cut),
    leftOut,
  };
}

/** It has this shape, within the bounds. Fields that are not known are passed over. */
export function isNodeSummary(value: unknown): value is NodeSummary {
  if (!isObject(value)) return false;
  const { announcements = [], uptimeMs, isStopping, routers, upstreams, overrides, problems, leftOut } = value;
  return (
    isAge(uptimeMs) &&
    typeof isStopping === 'boolean' &&
    isCount(leftOut) &&
    isListOf(routers, ({ name, state, restraint }) => isText(name) && isText(state) && isTextOrNull(restraint)) &&
    isListOf(announcements, ({ name, state, ageMs, obstacle }) => {
      return isText(name) && isText(state) && isAge(ageMs) && isTextOrNull(obstacle);
    }) &&
    isListOf(upstreams, ({ name, up, servers }) => isText(name) && isCount(up) && isCount(servers)) &&
    isListOf(overrides, ({ subject, said, by, ageMs }) => {
      return isText(subject) && isText(said) && isTextOrNull(by) && isAge(ageMs);
    }) &&
    Array.isArray(problems) &&
    problems.length <= LISTED_MAX &&
    problems.every(isText)
  );
}

function cut(text: string): string {
  const line = text.replaceAll(/\p{Cc}/gu, ' ');
  return line.length <= TEXT_MAX ? line : `${line.slice(0, TEXT_MAX - 1)}…`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isListOf(value: unknown, isOne: (item: Readonly<Record<string, unknown>>) => boolean): boolean {
  return Array.isArray(value) && value.length <= LISTED_MAX && value.every((item) => isObject(item) && isOne(item));
}

/** What is shown to people: no control characters, which terminals obey. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_MAX && !/\p{Cc}/u.test(value);
}

function isTextOrNull(value: unknown): boolean {
  return value === null || isText(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isAge(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) >= 0;
}
