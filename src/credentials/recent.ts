/** The keys that were used last, as many as there is room for, each with a value. */
export class Recent<T> {
  private readonly max: number;
  private readonly values = new Map<string, T>();

  constructor(max: number) {
    this.max = max;
  }

  get(key: string): T | undefined {
    const value = this.values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: T): void {
    this.values.delete(key);
    this.values.set(key, value);
    if (this.values.size <= this.max) return;
    for (const oldest of this.values.keys()) {
      this.values.delete(oldest);
      return;
    }
  }
}
