/** What the checks of a document write their findings into, and what they ask about the document. */
import type { Finding, Path, SourceMap } from '../findings/diagnostic.ts';
import type { Args, Code } from '../findings/catalogue.ts';
import type { Shape } from '../model/shape.ts';
import { orList } from '../findings/suggest.ts';

export class Report {
  readonly findings: Finding[] = [];
  private readonly source: SourceMap;
  /** By path: what was taken out, and everything around it. */
  private readonly wrong = new Set<string>();
  private readonly touched = new Set<string>();
  private readonly unclear: ReadonlySet<string>;

  constructor(source: SourceMap, shape: Pick<Shape, 'wrong' | 'unclear'>) {
    this.source = source;
    for (const path of shape.wrong) {
      this.wrong.add(JSON.stringify(path));
      for (let length = 0; length <= path.length; length++) this.touched.add(JSON.stringify(path.slice(0, length)));
    }
    this.unclear = new Set(shape.unclear.map((path) => JSON.stringify(path)));
  }

  atKey<C extends Code>(path: Path, code: C, args: Args<C>): void {
    this.findings.push({ code, args, path, part: 'key' });
  }

  atValue<C extends Code>(path: Path, code: C, args: Args<C>): void {
    this.findings.push({ code, args, path, part: 'value' });
  }

  /** Nothing was taken out here or anywhere inside. */
  isWhole(path: Path): boolean {
    return this.touched.size === 0 || !this.touched.has(JSON.stringify(path));
  }

  /** That a key is not in the document (any more) is how it was written: it was not wrong, nor misspelt. */
  lacks(path: Path, key: string): boolean {
    if (this.wrong.size === 0 && this.unclear.size === 0) return true;
    const isTakenOut = [[], path, [...path, key]].some((taken) => this.wrong.has(JSON.stringify(taken)));
    return !isTakenOut && !this.unclear.has(JSON.stringify(path));
  }

  lineOf(path: Path): string {
    const { file, line } = this.source.locate(path, 'value');
    return file === this.source.file ? String(line) : `${line} of ${file}`;
  }

  /** A map of which exactly one of some keys must be there. The one that is there, or null. */
  oneOf<K extends string>(map: Readonly<Partial<Record<K, unknown>>>, path: Path, keys: readonly K[]): K | null {
    const given = keys.filter((key) => map[key] !== undefined);
    const place = `\`${String(path[path.length - 1] ?? '')}\``;
    const here = typeof path[path.length - 1] === 'number' ? 'this' : place;
    if (given.length === 0 && keys.every((key) => this.lacks(path, key))) {
      this.atKey(path, 'needs-one', { place: here, choices: orList(keys.map((key) => `\`${key}\``)) });
    } else if (given.length > 1) {
      const list = given.map((key) => `\`${key}\``).join(' and ');
      this.atKey([...path, given[1]], 'only-one', { place: here, given: list });
    }
    return given.length === 1 ? given[0] : null;
  }
}
