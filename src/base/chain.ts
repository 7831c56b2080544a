/**
 * Objects that come and go, the oldest first. The links are their own: each is in one chain at a time.
 *
 * Not a Set: what V8 makes anew of a Set that many come and go in leads from each of its former tables to the next, so that one of them
 * that was moved among old objects keeps alive whatever was in all that followed.
 */
export interface Listed<T> {
  isListed: boolean;
  listedBefore: T | null;
  listedAfter: T | null;
}

export class Chain<T extends Listed<T>> {
  size = 0;
  protected first: T | null = null;
  private last: T | null = null;

  add(one: T): void {
    const { last } = this;
    one.isListed = true;
    one.listedBefore = last;
    if (last === null) this.first = one;
    else last.listedAfter = one;
    this.last = one;
    this.size++;
  }

  has(one: T): boolean {
    return one.isListed;
  }

  /** False: it was not there. */
  delete(one: T): boolean {
    if (!one.isListed) return false;
    const { listedAfter: after, listedBefore: before } = one;
    if (before === null) this.first = after;
    else before.listedAfter = after;
    if (after === null) this.last = before;
    else after.listedBefore = before;
    one.isListed = false;
    one.listedBefore = null;
    one.listedAfter = null;
    this.size--;
    return true;
  }

  all(): T[] {
    const all = [];
    for (let one = this.first; one !== null; one = one.listedAfter) all.push(one);
    return all;
  }
}
