/** What commander says of a command line that it refuses, in this program's words: what is wrong, and what to write. */

const RULES: readonly (readonly [said: RegExp, plain: string])[] = [
  [/^unknown command '(.*)'\n\(Did you mean (.*)\?\)$/s, 'there is no command `$1`; write $2'],
  [/^unknown command '(.*)'$/s, 'there is no command `$1`'],
  [/^unknown option '(.*)'\n\(Did you mean (.*)\?\)$/s, 'there is no option $1 here; write $2'],
  [/^unknown option '(.*)'$/s, 'there is no option $1 here'],
  [/^missing required argument '(.*)'$/s, '<$1> is missing'],
  [/^option '(.*)' argument missing$/s, '$1: the value is missing'],
  [
    /^option '(?:-\w, )?(--[\w-]+)[^']*' argument '(.*)' is invalid\. Allowed choices are (.*)\.$/s,
    '$1 $2: write one of $3',
  ],
  [/^option '(?:-\w, )?(--[\w-]+)[^']*' argument '(.*)' is invalid\. (.*)\.$/s, '$1 $2: $3'],
  [/^command-argument value '(.*)' is invalid for argument '.*'\. (.*)\.$/s, '$1: $2'],
  [/^too many arguments for '(.*)'\. Expected 0 arguments but got \d+\.$/s, '`$1` takes no argument'],
  [
    /^too many arguments for '(.*)'\. Expected (\d+) arguments? but got (\d+)\.$/s,
    '`$1` takes $2 argument, and here are $3',
  ],
];

/** `text`: with its `error: ` and line feed. What no rule is for stays as it is. */
export function plainError(text: string): string {
  const said = text.replace(/^error: /, '').trimEnd();
  const rule = RULES.find(([pattern]) => pattern.test(said));
  if (rule === undefined) return text;
  const plain = said.replace(rule[0], rule[1]);
  // a remedy behind a colon goes on in the same sentence
  return `error: ${plain.replace(/: Write /, ': write ')}\n`;
}
