/** Where a TLS connection goes that is passed on as it is: by what its ClientHello says. The first rule that fits counts. */
import type { HelloRoutePlan } from '../../config/plan/listener.ts';
import type { ClientHello } from '../../wire/tls/client-hello.ts';

type Wanted = Pick<ClientHello, 'serverName' | 'protocols'>;

type HelloRule = Pick<HelloRoutePlan, 'names' | 'protocols'>;

/** Ten thousand names are looked up as fast as ten. */
export class HelloRoutes {
  private readonly rules: readonly HelloRule[];
  /** Rules by name, in their order. */
  private readonly exact = new Map<string, number[]>();
  private readonly wildcards = new Map<string, number[]>();
  private readonly anyName: number[] = [];

  constructor(rules: readonly HelloRule[]) {
    this.rules = rules;
    for (const [index, { names }] of rules.entries()) {
      if (names.length === 0) this.anyName.push(index);
      for (const name of names) {
        if (name.startsWith('*.')) addTo(this.wildcards, name.slice(2), index);
        else addTo(this.exact, name, index);
      }
    }
  }

  /** The index of a rule; -1: none fits. */
  find({ serverName, protocols }: Wanted): number {
    let found = this.first(this.anyName, protocols);
    found = earlier(found, this.first(this.exact.get(serverName), protocols));
    for (let dot = serverName.indexOf('.'); dot >= 0; dot = serverName.indexOf('.', dot + 1)) {
      found = earlier(found, this.first(this.wildcards.get(serverName.slice(dot + 1)), protocols));
    }
    return found;
  }

  private first(indices: readonly number[] | undefined, offered: readonly string[]): number {
    for (const index of indices ?? []) {
      const { protocols } = this.rules[index];
      if (protocols.length === 0 || protocols.some((protocol) => offered.includes(protocol))) return index;
    }
    return -1;
  }
}

function addTo(map: Map<string, number[]>, name: string, index: number): void {
  const indices = map.get(name);
  if (indices === undefined) map.set(name, [index]);
  else indices.push(index);
}

function earlier(one: number, other: number): number {
  return one < 0 || (other >= 0 && other < one) ? other : one;
}
