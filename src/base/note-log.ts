/** What went wrong, once a minute for each thing: anybody can ask for what cannot be answered. */
const AGAIN_MS = 60_000;
const TEXTS_MAX = 100;

export class NoteLog {
  private readonly write: (line: string) => void;
  private readonly now: () => number;
  private readonly said = new Set<string>();
  private startedAt = -Infinity;

  constructor(write: (line: string) => void, now: () => number) {
    this.write = write;
    this.now = now;
  }

  note(text: string): void {
    const now = this.now();
    if (now - this.startedAt >= AGAIN_MS) {
      this.said.clear();
      this.startedAt = now;
    }
    if (this.said.has(text) || this.said.size >= TEXTS_MAX) return;
    this.said.add(text);
    this.write(text);
  }
}
