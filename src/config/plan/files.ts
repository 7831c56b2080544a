/**
 * What is answered from files: what a route says of them is a site, which the `files` process knows by its key. A request for it
 * goes to that process as to any server, with fields that say the site and the paths to look for.
 */
import { keyOfPart } from './part-key.ts';

/** No upstream of a configuration can have this name. */
export const FILES_UPSTREAM = '(files)';
/** What the keeper puts the real one in the place of: it is another one for each keeper. */
export const FILES_ADDRESS = '@evenkeel-files';

export const SITE_FIELD = 'Evenkeel-Site';
/** The status that the request is answered with in any case, as it is for the page of an error. */
export const STATUS_FIELD = 'Evenkeel-Status';
/** The number follows; the value stands between marks, so that spaces at its ends are part of it. */
export const PATH_FIELD = 'Evenkeel-Path-';
export const PATH_MARK = '|';

export interface FilesPlan {
  /** Who reads them. Null: whom the proxies run as. */
  readonly user: string | null;
  readonly sites: readonly FileSite[];
}

export interface FileSite {
  /** The same for the same site, another one for another one. */
  readonly key: string;
  /** Absolute, without a slash at the end. */
  readonly root: string;
  /** What a path begins with that is not part of the file's. */
  readonly strip: string;
  /** What the paths that a request comes with have to be; none: its own path alone. */
  readonly paths: readonly ('file' | 'folder')[];
  /** They are tried one after the other; else the one path is it. */
  readonly isTrying: boolean;
  readonly index: readonly string[];
  /** By extension, in lower case. */
  readonly types: Readonly<Record<string, string>>;
  /** Empty: none is said. */
  readonly defaultType: string;
  /** Names that begin with a dot are files like others. */
  readonly hasDotFiles: boolean;
}

/** The sites of a plan. Equal ones are one. */
export class FileSites {
  private readonly byKey = new Map<string, FileSite>();

  /** The key. */
  add(site: Omit<FileSite, 'key'>): string {
    const key = keyOfPart(site);
    this.byKey.set(key, { key, ...site });
    return key;
  }

  get all(): readonly FileSite[] {
    return [...this.byKey.values()];
  }
}
