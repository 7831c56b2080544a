/**
 * Routes and routing rules of the kernel, as the plan has them and as the kernel is told: those that go with the addresses of a
 * virtual router. Shapes only; serialisable as JSON. Addresses are text in their canonical form.
 */

export const ROUTE_KINDS = ['unicast', 'blackhole', 'unreachable', 'prohibit', 'throw'] as const;
export type RouteKind = (typeof ROUTE_KINDS)[number];

export const RULE_KINDS = ['lookup', 'blackhole', 'unreachable', 'prohibit'] as const;
export type RuleKind = (typeof RULE_KINDS)[number];

/** rtnetlink(7). */
export const ROUTE_SCOPES = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;
export type RouteScope = keyof typeof ROUTE_SCOPES;

export const TABLE_MAIN = 254;

export interface KernelNetwork {
  readonly address: string;
  readonly prefixLength: number;
}

/** ip-route(8). */
export interface KernelRoute {
  /** For people: `10.20.0.0/16 via 192.0.2.254`. */
  readonly text: string;
  readonly family: 4 | 6;
  readonly kind: RouteKind;
  readonly to: KernelNetwork;
  /** The next hop, of the same family; null: what it leads to is on the link. */
  readonly via: string | null;
  /** Null: where the next hop is. */
  readonly interfaceName: string | null;
  /** The address that this machine's own packets have; it has it. */
  readonly source: string | null;
  /** From 1 on. */
  readonly table: number;
  /** Null: the kernel's own, which is 0, or 1024 over IPv6. */
  readonly metric: number | null;
  readonly scope: RouteScope;
  /** The next hop is on the link, whatever the addresses say. */
  readonly isOnLink: boolean;
  /** In bytes; null: the interface's. */
  readonly mtu: number | null;
}

/** ip-rule(8). */
export interface KernelRule {
  /** For people: `39: from 192.0.2.0/24 lookup 100`. */
  readonly text: string;
  readonly family: 4 | 6;
  readonly kind: RuleKind;
  /** Null: from, or to, anywhere. */
  readonly from: KernelNetwork | null;
  readonly to: KernelNetwork | null;
  /** Where packets come in, and where they go out; null: anywhere. */
  readonly inInterface: string | null;
  readonly outInterface: string | null;
  readonly mark: { readonly value: number; readonly mask: number } | null;
  /** Of a look-up only. */
  readonly table: number | null;
  /** Its place: the lowest is asked first. */
  readonly preference: number;
}
