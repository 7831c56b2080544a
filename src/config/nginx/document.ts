/** The document that a front-end makes, and where each part of it was written. */
import type { Path, Place, SourceMap } from '../findings/diagnostic.ts';
import { NAME_PATTERN } from '../words/patterns.ts';

export type PlainMap = Record<string, unknown>;

const NAME = new RegExp(NAME_PATTERN);

export class DocumentBuilder {
  readonly value: PlainMap = {};
  readonly listeners: PlainMap = {};
  readonly upstreams: PlainMap = {};
  private readonly places = new Map<string, Place>();
  private readonly root: Place;
  private readonly directory: string | null;

  /** `directory`: the folder of the file, from the root on, where that is known. */
  constructor(file: string, directory: string | null = null) {
    this.root = { file, line: 1, column: 1 };
    this.directory = directory ?? (file.startsWith('/') ? file.slice(0, file.lastIndexOf('/')) : null);
  }

  /** The path of a file that is written as nginx has it: relative to the file that was named. */
  wholePath(path: string): string {
    return path.startsWith('/') || this.directory === null ? path : `${this.directory}/${path}`;
  }

  mark(path: Path, place: Place): void {
    this.places.set(JSON.stringify(path), place);
  }

  /** A name of the model near to `wanted`, which nothing in `map` has yet. */
  freeName(map: PlainMap, wanted: string): string {
    let base = wanted
      .replace(/[^A-Za-z0-9_.-]+/g, '-')
      .replace(/^[^A-Za-z0-9_]+|-+$/g, '')
      .slice(0, 56);
    if (!NAME.test(base)) base = 'unnamed';
    if (!Object.hasOwn(map, base)) return base;
    for (let number = 2; ; number++) {
      const name = `${base}-${number}`;
      if (!Object.hasOwn(map, name)) return name;
    }
  }

  get source(): SourceMap {
    return {
      file: null,
      locate: (path) => {
        for (let length = path.length; length > 0; length--) {
          const place = this.places.get(JSON.stringify(path.slice(0, length)));
          if (place !== undefined) return place;
        }
        return this.root;
      },
    };
  }
}
