/** Colours of a terminal (ECMA-48: SGR), for what commands show. */

export type Color = 'bold' | 'dim' | 'reverse' | 'red' | 'green' | 'yellow' | 'blue' | 'grey';
export type Paint = (color: Color, text: string) => string;

const CODES: Readonly<Record<Color, number>> = {
  bold: 1,
  dim: 2,
  reverse: 7,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  grey: 90,
};

export const paint: Paint = (color, text) => (text === '' ? '' : `\u001b[${CODES[color]}m${text}\u001b[0m`);
export const noPaint: Paint = (_, text) => text;

export function painter(hasColor: boolean): Paint {
  return hasColor ? paint : noPaint;
}

/** What is written goes to people who want colours (no-color.org). */
export function hasColors(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
}
