/** Lines of what is shown to people: a label in front of one text, or of several. Pure. */
import type { TrackedView } from '../api/virtual-routers.ts';
import { ageText } from './age-text.ts';
import type { Paint } from './paint.ts';

/** The first line has the label. */
export function list<T>(label: string, items: readonly T[], text: (item: T) => string): string[] {
  return items.map((item, i) => field(i === 0 ? label : '', text(item)));
}

export function field(label: string, text: string): string {
  return `  ${label.padEnd(10)} ${text}`;
}

export function trackedText({ name, weight, isUp, sinceAgeMs, seenAgeMs, detail }: TrackedView, paint: Paint): string {
  const verdict = isUp === null ? paint('yellow', 'no verdict') : isUp ? paint('green', 'ok') : paint('red', 'fails');
  const weightText = weight === 0 ? '' : `, weight ${weight}`;
  const seen = seenAgeMs === null ? 'never seen' : `seen ${ageText(seenAgeMs)} ago`;
  return `${name}${weightText}  ${verdict} for ${ageText(sinceAgeMs)}: ${detail}, ${seen}`;
}
