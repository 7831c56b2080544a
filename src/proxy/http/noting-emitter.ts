/** Of a listener in whose access logs are fields of responses: what is written is looked at, too. */
import { type NotedFields, HeadNotes } from '../log/head-notes.ts';
import type { ResponseHead } from '../../wire/http1/head.ts';
import { type Noted, ResponseEmitter } from './response-emitter.ts';

export class NotingEmitter extends ResponseEmitter {
  private readonly names: NotedFields;

  constructor(names: NotedFields, ...common: ConstructorParameters<typeof ResponseEmitter>) {
    super(...common);
    this.names = names;
  }

  override note(request: Noted, head: ResponseHead | null, at: number, length: number): void {
    if (request.drafts.length === 0) return;
    request.notes ??= new HeadNotes();
    request.notes.take(this.names, this.memory, head, at, length);
  }
}
