/** What the action gives; null: it has thrown. For looks at a system that changes meanwhile, or that we have no rights to see. */
export function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null;
  }
}
