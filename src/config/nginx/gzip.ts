/** `gzip` and what belongs to it: `compress` of the model, with nginx's defaults. */
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';
import { parseNginxSize } from './values.ts';

const PROXIED: Readonly<Record<string, string>> = {
  off: 'none',
  any: 'any',
  auth: 'auth',
  expired: 'expired',
  'no-cache': 'no-cache',
  'no-store': 'no-store',
  private: 'private',
  no_last_modified: 'no-last-modified',
  no_etag: 'no-etag',
};

const TYPE = /^(?:\*|[\w!#$&^.+-]+\/[\w!#$&^.+*-]+)$/;

/** What holds in this block; null: nothing is compressed. What is wrong is told once, whoever asks. */
export class Gzip {
  private readonly notes: Notes;
  private readonly told = new WeakSet<object>();

  constructor(notes: Notes) {
    this.notes = notes;
  }

  in(scope: Scope): PlainMap | null {
    if (scope.argument('gzip')?.toLowerCase() !== 'on') return null;
    this.lookAtAgents(scope);
    return {
      codings: 'gzip',
      level: this.levelIn(scope),
      'min-length': this.lengthIn(scope),
      types: this.typesIn(scope),
      proxied: this.proxiedIn(scope),
      vary: scope.argument('gzip_vary')?.toLowerCase() === 'on',
    };
  }

  private levelIn(scope: Scope): number {
    const text = scope.argument('gzip_comp_level') ?? '1';
    if (/^[1-9]$/.test(text)) return Number(text);
    this.refuse(scope, 'gzip_comp_level', 'value must be between 1 and 9', 'write for example gzip_comp_level 5;');
    return 1;
  }

  private lengthIn(scope: Scope): number {
    const text = scope.argument('gzip_min_length') ?? '20';
    const bytes = parseNginxSize(text);
    if (bytes !== null) return bytes;
    this.refuse(scope, 'gzip_min_length', `invalid value "${text}"`, 'write for example gzip_min_length 1k;');
    return 20;
  }

  /** text/html always is one of them. */
  private typesIn(scope: Scope): readonly string[] {
    const args = scope.find('gzip_types')?.args.map(({ text }) => text) ?? [];
    if (args.includes('*')) return ['*'];
    return [...new Set(['text/html', ...args.filter((type) => TYPE.test(type))])];
  }

  private proxiedIn(scope: Scope): readonly string[] {
    const args = scope.find('gzip_proxied')?.args.map(({ text }) => text) ?? ['off'];
    const wrong = args.find((text) => !Object.hasOwn(PROXIED, text));
    if (wrong !== undefined)
      this.refuse(scope, 'gzip_proxied', `invalid value "${wrong}"`, `write one of ${Object.keys(PROXIED).join(', ')}`);
    if (args.includes('off')) return ['none'];
    return args.includes('any')
      ? ['any']
      : args.flatMap((text) => (Object.hasOwn(PROXIED, text) ? [PROXIED[text]] : []));
  }

  /** Browsers that could not read what was compressed (`msie6`) are gone. */
  private lookAtAgents(scope: Scope): void {
    const directive = scope.find('gzip_disable');
    if (directive === null || this.told.has(directive)) return;
    this.told.add(directive);
    if (directive.args.every(({ text }) => text === 'msie6')) this.notes.noEffect(directive.place, 'gzip_disable');
    else this.notes.leftOut(directive.place, 'gzip_disable', 'what is compressed does not depend on the browser');
  }

  private refuse(scope: Scope, name: string, reason: string, fix: string): void {
    const directive = scope.find(name);
    if (directive === null || this.told.has(directive)) return;
    this.told.add(directive);
    this.notes.error(directive.args[0].place, reason, fix);
  }
}
