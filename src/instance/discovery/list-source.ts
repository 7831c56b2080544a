/** Where lists of servers come from. */
export interface ListSource {
  stop(): void;
}

export interface ListHandler {
  /** A list, or what should be one. */
  handleText(text: string): void;
  /** There is none, and why, for people. */
  handleFailure(why: string): void;
}
