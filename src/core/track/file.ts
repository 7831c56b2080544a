/** What the number in a tracked file means, as keepalived has it. */

/** A product of number and weight below this is a fault: no priority is that low. */
const AMOUNT_MIN = -253;
const NUMBER_MAX = 2 ** 31 - 1;

/** The number that a text begins with, behind white space; 0: there is none. Null: it is larger than keepalived takes. */
export function parseTrackedNumber(text: string): number | null {
  const value = Number(/^\s*([+-]?[0-9]+)/.exec(text)?.[1] ?? 0);
  return Math.abs(value) > NUMBER_MAX ? null : value;
}

/** What a file with this number says to a router that has it with this weight. */
export interface FileVerdict {
  /** Without a weight only 0 is well. */
  readonly isUp: boolean;
  /** What is added to the priority. */
  readonly amount: number;
}

export function judgeNumber(value: number, weight: number): FileVerdict {
  if (weight === 0) return { isUp: value === 0, amount: 0 };
  const amount = value * weight;
  return amount < AMOUNT_MIN ? { isUp: false, amount: 0 } : { isUp: true, amount };
}
