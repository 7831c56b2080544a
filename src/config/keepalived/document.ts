/** A configuration document that is made piece by piece, each with the place that it comes from. */
import type { Path, Place, SourceMap } from '../findings/diagnostic.ts';

type PlainMap = Record<string, unknown>;

export class PlacedDocument {
  readonly value: PlainMap = {};
  private readonly places = new Map<string, Place>();
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** The maps on the way are made. Undefined values are not there. */
  put(path: readonly string[], value: unknown, place: Place): void {
    if (value === undefined) return;
    let map = this.value;
    for (const [i, step] of path.slice(0, -1).entries()) {
      // A name may be one that every object has.
      if (!Object.hasOwn(map, step)) map[step] = {};
      map = map[step] as PlainMap;
      this.mark(path.slice(0, i + 1), place);
    }
    map[path[path.length - 1]] = value;
    this.places.set(JSON.stringify(path), place);
  }

  /** Where a part of a value comes from. */
  mark(path: Path, place: Place): void {
    const key = JSON.stringify(path);
    if (!this.places.has(key)) this.places.set(key, place);
  }

  has(path: readonly string[]): boolean {
    return this.places.has(JSON.stringify(path));
  }

  get source(): SourceMap {
    const { file, places } = this;
    return {
      file,
      locate: (path) => {
        for (let length = path.length; length > 0; length--) {
          const place = places.get(JSON.stringify(path.slice(0, length)));
          if (place !== undefined) return place;
        }
        return { file, line: 1, column: 1 };
      },
    };
  }
}
