/** Where kernel mode is tried: servers behind a gateway, balancers between, and who comes from outside. */
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { type Host, ip, Segment } from '../vip/virtual-node.ts';
import { EchoClient, EchoServer } from './echo.ts';

export const ADDRESS = '192.168.15.3';
export const ADDRESS_6 = 'fd09:1::3';
export const GATEWAY = '10.9.2.1';
/** The part of each server's address that is its own. */
export const SERVERS = [11, 12];
export const CLIENT_ADDRESS = '192.168.15.50';

export interface Place {
  readonly segment: Segment;
  readonly hosts: readonly Host[];
  readonly serverHosts: readonly Host[];
  readonly servers: readonly EchoServer[];
  readonly outside: Host;
  readonly client: EchoClient;
}

/**
 * `refusing`: what server takes nobody at first. `isDirect`: servers have the addresses that clients connect to themselves, and answer clients directly.
 */
export async function build(
  t: Pick<TestContext, 'after'>,
  balancers: readonly number[],
  numbers: readonly number[] = SERVERS,
  { refusing = 0, isDirect = false } = {},
): Promise<Place> {
  const segment = new Segment(t);
  const hosts = balancers.map((number) => {
    const host = segment.host(number);
    sysctl(host, '-w', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.send_redirects=0');
    sysctl(host, '-w', 'net.ipv4.conf.eth0.send_redirects=0');
    address(host, `10.9.2.${number}/24`, `fd09:2::${number}/64`);
    return host;
  });
  const serverHosts = numbers.map((number) => {
    const host = segment.host(number);
    ip('-n', host.name, 'address', 'flush', 'dev', 'eth0', 'scope', 'global');
    address(host, `10.9.2.${number}/24`, `fd09:2::${number}/64`);
    if (isDirect) hasAddressesOfBalancer(host);
    else {
      ip('-n', host.name, 'route', 'add', 'default', 'via', GATEWAY);
      ip('-n', host.name, 'route', 'add', 'default', 'via', 'fd09:2::1');
    }
    // The way back is by the balancer, though they could see the client here.
    sysctl(host, '-w', 'net.ipv6.conf.eth0.accept_redirects=0');
    return host;
  });
  const servers = serverHosts.map((host, i) => {
    return new EchoServer(host, `server-${numbers[i]}`, numbers[i] === refusing);
  });
  const outside = segment.host(50);
  address(outside, 'fd09:1::50/64');
  sysctl(outside, '-w', 'net.ipv6.conf.eth0.accept_redirects=0');
  const client = new EchoClient(outside);
  for (const script of [...servers, client]) await script.until((lines) => lines.length > 0, 'did not start');
  return { segment, hosts, serverHosts, servers, outside, client };
}

/** As docs/kernel-mode.md has it. */
function hasAddressesOfBalancer(host: Host): void {
  sysctl(host, '-w', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2');
  ip('-n', host.name, 'address', 'add', `${ADDRESS}/32`, 'dev', 'lo');
  ip('-n', host.name, 'address', 'add', `${ADDRESS_6}/128`, 'dev', 'lo');
  for (const network of ['192.168.15.0/24', 'fd09:1::/64']) {
    ip('-n', host.name, 'route', 'add', network, 'dev', 'eth0');
  }
}

export function address(host: Host, ...addresses: readonly string[]): void {
  for (const one of addresses)
    ip('-n', host.name, 'address', 'add', one, 'dev', 'eth0', ...(one.includes(':') ? ['nodad'] : []));
}

export function sysctl(host: Host, ...settings: readonly string[]): string {
  return spawnSync('ip', ['netns', 'exec', host.name, 'sysctl', ...settings]).stdout.toString();
}

export function nft(host: Host, ...args: readonly string[]): string {
  return spawnSync('ip', ['netns', 'exec', host.name, 'nft', ...args]).stdout.toString();
}

/** The connections that the kernel there tracks; empty: it does not tell. */
export function tracked(host: Host): string {
  return spawnSync('ip', ['netns', 'exec', host.name, 'cat', '/proc/net/nf_conntrack']).stdout.toString();
}
