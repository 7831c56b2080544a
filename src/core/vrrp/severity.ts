/** How loud something is told: of a change by its row in states.ts, of what was noticed by its kind in evidence.ts. */
export type Severity = 'info' | 'warning' | 'error';
