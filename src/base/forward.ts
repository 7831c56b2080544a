/** Ways in which a kernel forwards what comes for a listener (docs/kernel-mode.md). */
export const FORWARDS = ['nat', 'snat', 'dsr'] as const;
/**
 * `nat`: to a server, which sees the client and answers through the balancer. `snat`: the server sees the balancer's address. `dsr`: the
 * packet goes to the server as it is, and that answers the client directly.
 */
export type Forward = (typeof FORWARDS)[number];
