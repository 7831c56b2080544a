/**
 * Who may have one of the places of the admin port, where every program of the machine comes in. Who has connected and said nothing yet makes room for
 * the next one, the oldest first: it has asked by then if it means to. Of those who ask, who is known to have a token goes before who is not, so that
 * nobody without one can keep one with it out.
 */
export const SILENT_MAX = 32;
export const ASKING_MAX = 32;

type Standing = 'silent' | 'unknown' | 'known';

/** `C`: a connection. */
export class Places<C> {
  private readonly drop: (connection: C) => void;
  /** In the order in which they came. */
  private readonly standings = new Map<C, Standing>();

  /** `drop` is to end a connection, which is none any more. */
  constructor(drop: (connection: C) => void) {
    this.drop = drop;
  }

  /** It has connected. */
  take(connection: C): void {
    this.makeRoom('silent', SILENT_MAX);
    this.standings.set(connection, 'silent');
  }

  /** It has asked, and may. False: as many ask already, or it has ended meanwhile. */
  admit(connection: C, isKnown: boolean): boolean {
    if (!this.standings.has(connection)) return false;
    const asking = this.count('unknown') + this.count('known');
    if (asking >= ASKING_MAX && !(isKnown && this.makeRoom('unknown', this.count('unknown')))) return false;
    this.standings.set(connection, isKnown ? 'known' : 'unknown');
    return true;
  }

  /** It has ended. */
  give(connection: C): void {
    this.standings.delete(connection);
  }

  /** For one more of so many. False: there is none that could go. */
  private makeRoom(standing: Standing, max: number): boolean {
    if (this.count(standing) < max) return true;
    for (const [connection, each] of this.standings) {
      if (each !== standing) continue;
      this.standings.delete(connection);
      this.drop(connection);
      return true;
    }
    return false;
  }

  private count(standing: Standing): number {
    let count = 0;
    for (const each of this.standings.values()) if (each === standing) count++;
    return count;
  }
}
