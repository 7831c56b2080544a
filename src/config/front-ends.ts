/** The languages that a configuration may be written in, and which of them a text is. */
import type { FrontEnd, FrontEndName } from './front-end.ts';
import { keepalivedFrontEnd } from './keepalived/front-end.ts';
import { nginxFrontEnd } from './nginx/front-end.ts';
import { yamlFrontEnd } from './yaml/front-end.ts';

/** In the order in which they are asked; the last one takes what is left. */
const FRONT_ENDS: readonly FrontEnd[] = [keepalivedFrontEnd, nginxFrontEnd, yamlFrontEnd];

/** `forced`: who starts evenkeel knows. */
export function frontEndFor(text: string, forced: FrontEndName | null): FrontEnd {
  const named = FRONT_ENDS.find(({ name }) => name === forced);
  return named ?? FRONT_ENDS.find((frontEnd) => frontEnd.recognizes(text)) ?? yamlFrontEnd;
}
