/** Variables whose text is known where a location is done with its `set` lines, whatever the request. */
import type { Scope } from './scope.ts';
import type { Directive } from './parse.ts';
import { splitVariables } from './variables.ts';

/** `scope`: of a location, or of an `if` in one that is taken. By name; what may be another text, or none, is not in it. */
export function settledSets(scope: Scope): ReadonlyMap<string, string> {
  const taken = scope.context === 'location-if' ? scope.directives : null;
  const location = taken === null ? scope : scope.outer!;
  const settled = new Map<string, string>();
  // none of its lines is for the methods that are left out
  if (location.own('limit_except').length > 0) return settled;
  let isCertain = true;
  const run = (directives: readonly Directive[], isTaken: boolean): void => {
    for (const { name, args, block } of directives) {
      if (name === 'set') {
        const variable = args[0].text.slice(1);
        const text = isTaken && isCertain ? withTexts(args[1].text, settled) : null;
        if (text === null) settled.delete(variable);
        else settled.set(variable, text);
        continue;
      }
      for (const [, group] of JSON.stringify(args).matchAll(/\(\?P?[<']([A-Za-z_]\w*)[>']/g)) settled.delete(group);
      if (name === 'if') run(block ?? [], block === taken);
      else if (/^(rewrite|break|return)$/.test(name)) isCertain = false;
    }
  };
  run(location.directives, true);
  return settled;
}

/** The text with what is known of its variables; null: something of it is not known. */
function withTexts(text: string, settled: ReadonlyMap<string, string>): string | null {
  const put = putTexts(text, settled);
  return splitVariables(put)?.some(({ variable }) => variable !== null) === false ? put : null;
}

/** The text with those of its variables replaced that are known. */
export function putTexts(text: string, settled: ReadonlyMap<string, string>): string {
  if (settled.size === 0) return text;
  const parts = splitVariables(text) ?? [{ variable: null, text }];
  return parts.map((part) => (part.variable === null ? undefined : settled.get(part.variable)) ?? part.text).join('');
}
