/** What is found in a keepalived.conf, in the words of the catalogue. */
import { diagnose, type Diagnostic, type Place, placeText, problem, show } from '../findings/diagnostic.ts';
import { nearest } from '../findings/suggest.ts';

/** What a statement is for a report. */
interface Keyword {
  readonly keyword: string;
  readonly place: Place;
}

/** The lines that count, and which of them begin what stands in the file itself and in no block. */
interface Layout {
  readonly lines: readonly { readonly text: string; readonly place: Place }[];
  readonly starts: readonly Place[];
}

export class KeepalivedReport {
  private layout: Layout = { lines: [], starts: [] };
  private readonly found: Diagnostic[] = [];
  private readonly without = new Map<string, Place>();

  /** What is missing may be so because of what was wrong. */
  get hasErrors(): boolean {
    return this.found.some(({ severity }) => severity === 'error');
  }

  get diagnostics(): readonly Diagnostic[] {
    const [first] = this.without.values();
    if (first === undefined) return this.found;
    const keywords = [...this.without.keys()].map((keyword) => `\`${keyword}\``).join(', ');
    return [...this.found, diagnose(problem('directives-without-effect', { keywords, program: 'keepalived' }), first)];
  }

  /** Before it is looked what is missing. */
  setLayout(layout: Layout): void {
    this.layout = layout;
  }

  /** Something that has to be in the block which begins at `block` is not there. Not said where that may be what was wrong in it. */
  missing(block: Place, reason: string, fix: string, place = block): void {
    if (!this.isWrongInside(block)) this.error(place, reason, fix);
  }

  /** There is no block `keyword name`. Not said where the line that may begin it was wrong. */
  unknownName(keyword: string, name: string, place: Place): void {
    const wrong = this.wrongLines();
    const isMeant = ({ text, place: at }: { text: string; place: Place }): boolean => {
      const [first, second] = text.split(/[\s{"]+/);
      const mayBegin = second === name || ((first === keyword || first === `vrrp_${keyword}`) && !NAMED.test(text));
      return mayBegin && wrong.has(lineText(at));
    };
    if (!this.layout.lines.some(isMeant))
      this.error(place, `there is no ${keyword} ${name}`, 'correct the name, or remove it');
  }

  /** Whether something was wrong from this place on, up to where another block of these begins, or one of the file itself. */
  isWrongInside(block: Place, others: readonly Place[] = []): boolean {
    const { lines } = this.layout;
    const starts = [...this.layout.starts, ...others];
    const wrong = this.wrongLines();
    if (wrong.size === 0) return false;
    const begins = new Set(starts.map(lineText));
    const from = lines.findIndex(({ place }) => lineText(place) === lineText(block));
    for (let i = Math.max(0, from); i < lines.length; i++) {
      const at = lineText(lines[i].place);
      if (i > from && begins.has(at)) return false;
      if (wrong.has(at)) return true;
    }
    return false;
  }

  private wrongLines(): ReadonlySet<string> {
    return new Set(this.found.filter(({ severity }) => severity === 'error').map(lineText));
  }

  error(place: Place, reason: string, fix: string): void {
    this.found.push(diagnose(problem('directive-wrong', { reason, fix }), place));
  }

  /** Read with keepalived's meaning, which is not what the line looks like, or differs here. */
  trap(place: Place, what: string, fix: string): void {
    this.found.push(diagnose(problem('directive-trap', { what, fix }), place));
  }

  /** It means something that this version cannot do. */
  notYet(place: Place, keyword: string, reason: string, fix: string): void {
    this.found.push(diagnose(problem('directive-not-yet', { what: `\`${keyword}\``, reason, fix }), place));
  }

  /** It would only add something. */
  leftOut(place: Place, keyword: string, reason: string): void {
    this.found.push(diagnose(problem('directive-left-out', { keywords: `\`${keyword}\``, reason }), place));
  }

  refuse(place: Place, keyword: string, reason: string, fix: string): void {
    this.found.push(diagnose(problem('directive-refused', { keyword, reason, fix }), place));
  }

  noEffect({ keyword, place }: Keyword): void {
    if (!this.without.has(keyword)) this.without.set(keyword, place);
  }

  unknown({ keyword, place }: Keyword, where: string, known: readonly string[]): void {
    const near = nearest(keyword, known);
    const semicolon = keyword.endsWith(';') && known.includes(keyword.slice(0, -1));
    const fix = semicolon
      ? 'leave the `;` out: it is a part of the word'
      : near === null
        ? 'leave it out; docs/reference/keepalived-conf.md has every keyword'
        : `write \`${near}\``;
    this.found.push(diagnose(problem('unknown-directive', { keyword, where, fix }), place));
  }

  duplicate({ keyword, place }: Keyword, first: Place): void {
    const line = first.file === place.file ? String(first.line) : placeText(first);
    this.found.push(diagnose(problem('duplicate-key', { key: keyword, line }), place));
  }

  badArgument(place: Place, value: string, keyword: string, fix: string): void {
    const semicolon = value.endsWith(';') ? 'leave the `;` out: it is a part of the word' : fix;
    this.found.push(diagnose(problem('bad-argument', { value: show(value), keyword, fix: semicolon }), place));
  }
}

/** A keyword and a name. */
const NAMED = /^\S+\s+"?[A-Za-z0-9][\w.-]*"?\s*(?:\{|$)/;

function lineText({ file, line }: Place): string {
  return `${line} ${file}`;
}
