/** What is found in a keepalived.conf, in the words of the catalogue. */
import { diagnose, type Diagnostic, type Place, placeText, problem, show } from '../diagnostic.ts';
import { nearest } from '../suggest.ts';

/** What a statement is for a report. */
interface Keyword {
  readonly keyword: string;
  readonly place: Place;
}

export class KeepalivedReport {
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
