/** How what is wrong with a file is put: in evenkeel's words, or in the form of the program that it stands in for. */
import { type Diagnostic, formatDiagnostic } from '../config/findings/diagnostic.ts';
import { COMMAND_LINE } from '../config/nginx/parse.ts';

export type Wording = 'evenkeel' | 'nginx' | 'keepalived';

type Words = (diagnostic: Diagnostic) => string;

const WORDS: Readonly<Record<Wording, Words>> = {
  evenkeel: formatDiagnostic,
  /** With the level in front, as in its log. */
  nginx: (diagnostic) => {
    const { severity, file, line } = diagnostic;
    const place = file === COMMAND_LINE ? COMMAND_LINE : `${file}:${line}`;
    return `[${severity === 'warning' ? 'warn' : 'emerg'}] ${bareText(diagnostic)} in ${place}`;
  },
  keepalived: (diagnostic) => `(${diagnostic.file}: Line ${diagnostic.line}) ${bareText(diagnostic)}`,
};

export function wordsFor(wording: Wording): Words {
  return WORDS[wording];
}

/** What the originals would say has no remedy. */
function bareText({ code, message, remedy }: Diagnostic): string {
  return code === 'directive-wrong' ? message : `${message}; ${remedy}`;
}
