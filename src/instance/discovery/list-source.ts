/** Where lists of servers come from. */
export interface ListSource {
  stop(): void;
}

export interface ListHandler {
  /** A list, or what should be one. `nameOf`: what the source calls one of it, by its index. */
  handleText(text: string, nameOf?: (index: number) => string): void;
  /** There is none, and why, for people. */
  handleFailure(why: string): void;
}
