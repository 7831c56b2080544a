import type { Entry } from './entry.ts';

/** Upstreams. */
export const UPSTREAMS = {
  'unused-upstream': {
    severity: 'warning',
    message: 'upstream `<name>` is not used',
    remedy: 'use it in a route or a listener, or remove it',
  },
  'mixed-upstream': {
    severity: 'error',
    message: 'upstream `<name>` is used for HTTP by listener `<http>` and for TCP by listener `<tcp>`',
    remedy: 'define two upstreams: timeouts mean different things for HTTP and for TCP',
  },
  'server-without-port': {
    severity: 'error',
    message: 'the server <value> has no port, and TCP has no default port',
    remedy: 'write it with its port, for example "<host>:3306"',
  },
  'bad-service': {
    severity: 'error',
    message: 'the server <value> has a `service`, whose SRV records say addresses and ports, and <reason>',
    remedy: '<fix>',
  },
  'bad-service-name': {
    severity: 'error',
    message: '<value> is no name of a service',
    remedy: 'write for example `http`, which is `_http._tcp`',
  },
  'duplicate-server': {
    severity: 'error',
    message: 'the server <value> is a duplicate; the first is on line <line>',
    remedy: 'keep one; for twice the share write `{ address: <address>, weight: 2 }`',
  },
  'only-backups': {
    severity: 'warning',
    message: 'every server of upstream `<name>` is a backup',
    remedy: 'leave `backup` out for those that are to be used first',
  },
  'kernel-balance': {
    severity: 'error',
    message: '`balance: <balance>` is not possible in kernel mode, as listener <listener> asks for',
    remedy:
      "leave it out, and each connection goes by its client's address and port; with `balance: source-hash` all of one client go to one server; or write `mode: relay`",
    about:
      'Whose turn it is, or who is busy, only this node knows. A node that takes over has to find the same server for a connection in the middle, from a packet alone.',
  },
  'direct-port': {
    severity: 'error',
    message: 'the server <value> has another port than listener <listener>, which is `forward: dsr`',
    remedy: 'write port <port>: packets go to the server as they are; or write `forward: nat`',
  },
  'server-not-near': {
    severity: 'warning',
    message: 'the server <value> is in no network of this machine, and `forward: dsr` reaches only those that are',
    remedy: 'give this machine an address in its network, or write `forward: nat` or `forward: snat`',
    about: 'Packets go to the hardware address of the server. Its checks may pass all the same: they can be routed.',
  },
  'masked-clients': {
    severity: 'warning',
    message:
      'with `forward: snat` servers do not see who the client is, and not every connection outlives its balancer at once',
    remedy: 'write `forward: nat` if the servers can answer through this node; docs/kernel-mode.md says what is lost',
    about:
      'After a takeover a server that speaks first is not heard until its client says something; and of two clients with the same port number at one server one is lost, where no peer has been told of it.',
  },
  'not-forwarding': {
    severity: 'warning',
    message: 'this machine forwards no IPv<family> packets, and `mode: kernel` needs that',
    remedy: 'run `sysctl -w <setting>=1`, and write `<setting> = 1` into a file under /etc/sysctl.d',
  },
  'hash-without-key': {
    severity: 'error',
    message: '`balance: hash` does not say what to hash',
    remedy: 'add for example `hash: { header: X-User }`, or use `balance: source-hash` for the client address',
  },
  'key-without-hash': {
    severity: 'error',
    message: '`hash` has no effect with `balance: <balance>`',
    remedy: 'write `balance: hash`, or leave `hash` out',
  },
  'bad-rate': {
    severity: 'error',
    message: '<value> is not a rate',
    remedy: 'write requests per second or minute, from 1/m to 1000000/s, for example 10/s',
  },
  'undefined-limiter': {
    severity: 'error',
    message: 'there is no limiter <value>',
    remedy: '<fix>',
  },
  'bad-cookie-name': {
    severity: 'error',
    message: '<value> is not a name of a cookie',
    remedy: 'write letters, digits and -, for example server',
  },
  'bad-same-site': {
    severity: 'error',
    message: '<value> is not a value of SameSite',
    remedy: 'write strict, lax or none, or "" to leave it out',
  },
  'bad-server-id': {
    severity: 'error',
    message: '<value> is not an identifier of a server',
    remedy: 'write up to 128 characters that may stand in a cookie, for example node1',
  },
  'bad-mark': {
    severity: 'error',
    message: '<value> is not one character',
    remedy: 'write for example "."',
  },
  'sticky-without-id': {
    severity: 'error',
    message: '`sticky.id` leads nowhere: no server of upstream `<name>` has an `id`',
    remedy: 'write `{ address: ..., id: node1 }` for each server, or `sticky: { cookie: server }`',
  },
  'sticky-disabled': {
    severity: 'warning',
    message: 'the clients of this server move to others, and lose what it has of them: upstream `<name>` is sticky',
    remedy: 'drain it first: then they stay until they leave, and nobody new comes',
    about: '[When its server cannot](../sticky.md#when-its-server-cannot).',
  },
  'bad-quorum': {
    severity: 'error',
    message: 'the quorum cannot be: <reason>',
    remedy: '<fix>',
  },
  'slow-check': {
    severity: 'warning',
    message: 'a check may take <timeout>, longer than the <interval> from one to the next',
    remedy: 'write a shorter `timeout`, or a longer `interval`',
  },
} as const satisfies Readonly<Record<string, Entry>>;
