/**
 * A configuration of the size that docs promise: hosts with paths, of every kind that a site has, most of them prefixes. Where the
 * same number is drawn, the same text comes out.
 */

export interface Size {
  readonly routes: number;
  readonly upstreams: number;
}

const PATHS_PER_HOST = 20;

/** `changed`: so many routes, spread over all, say something else in each `round`. */
export function configurationOf(
  port: number,
  servers: readonly string[],
  size: Size,
  changed: number,
  round: number,
): string {
  const lines = ['listeners:', '  web:', `    bind: "127.0.0.1:${port}"`, '    protocol: http', '    routes:'];
  const every = changed === 0 ? Infinity : Math.floor(size.routes / changed);
  for (let i = 0; i < size.routes; i++) lines.push(...routeOf(i, size, i % every === every - 1 ? `v1-${round}` : 'v1'));
  // What the load asks for, behind all others: whatever is slow to look up shows.
  lines.push('      - upstream: u0', 'upstreams:');
  for (let i = 0; i < size.upstreams; i++)
    lines.push(`  u${i}: { servers: [${servers.map((one) => `"${one}"`).join(', ')}] }`);
  return `${lines.join('\n')}\n`;
}

function routeOf(i: number, { upstreams }: Size, version: string): readonly string[] {
  const host = `shop${Math.floor(i / PATHS_PER_HOST)}.example`;
  const path = `/service-${i % PATHS_PER_HOST}/${version}/`;
  const upstream = `u${Math.floor(i / 2) % upstreams}`;
  switch (i % PATHS_PER_HOST) {
    case 0:
      return [
        `      - match: { host: ${host}, path: { regex: "^${path}[0-9]+/items(/|$)" } }`,
        `        upstream: ${upstream}`,
      ];
    case 1:
      return [
        '      - match:',
        `          host: ${host}`,
        `          path: ${path}`,
        '          header: { X-Env: { regex: "^(test|stage)-[a-z]+$" } }',
        `        upstream: ${upstream}`,
        '        headers:',
        '          request: { set: { X-Tenant: "{header:X-Env}" } }',
      ];
    case 2:
      return [
        `      - match: { host: ${host}, path: ${path}, header: { X-Canary: "true" }, method: [GET, POST] }`,
        `        upstream: ${upstream}`,
        '        retry: { attempts: 2, on: [connect, 503] }',
      ];
    case 3:
      return [
        `      - match: { host: ${host}, path: { exact: ${path}old } }`,
        '        redirect: { to: "https://{host}/new", status: 301 }',
      ];
    case 4:
      return [
        `      - match: { host: [${host}, "*.${host}"], path: ${path} }`,
        `        upstream: ${upstream}`,
        '        rewrite: { prefix: / }',
        '        timeout: 30s',
      ];
    default:
      return [`      - match: { host: ${host}, path: ${path} }`, `        upstream: ${upstream}`];
  }
}
