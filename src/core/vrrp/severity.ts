/** How loud something is told: of a change by its row in states.ts, of what was noticed by its kind in observer.ts. */
export type Severity = 'info' | 'warning' | 'error';
