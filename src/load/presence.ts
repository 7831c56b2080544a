/** What a plan's values say of files and folders of this machine: that they are there. */
import { statSync } from 'node:fs';
import type { Plan } from '../config/plan/plan.ts';
import type { PresencePlan } from '../config/plan/value.ts';

/** The plan with what is there now. The same plan if it says so already. */
export function withPresence(plan: Plan): Plan {
  if (presencesOf(plan).every((value) => value.isThere === isThere(value))) return plan;
  const values = plan.values.map((value) =>
    value.kind === 'presence' ? Object.assign({}, value, { isThere: isThere(value) }) : value,
  );
  return { ...plan, values };
}

/** What has to be looked at. */
export function presencesOf({ values }: Plan): readonly PresencePlan[] {
  return values.filter((value) => value.kind === 'presence');
}

/** What has come and gone, for people. */
export function describePresence(before: Plan, after: Plan): readonly string[] {
  const former = new Set(presencesOf(before).flatMap(({ name, isThere: was }) => (was ? [name] : [])));
  return presencesOf(after)
    .filter(({ name, isThere: is }) => is !== former.has(name))
    .map(
      ({ name, path, isThere: is }) =>
        `the value ${name} is ${is ? '1' : 'empty'}: ${path} is ${is ? '' : 'not '}there`,
    );
}

/** What cannot be looked at is not there. */
function isThere({ of, path }: PresencePlan): boolean {
  try {
    const found = statSync(path);
    return of === 'file' ? found.isFile() : found.isDirectory();
  } catch {
    return false;
  }
}
