/** `evenkeel server-setup`: a server that answers clients directly has the listener's address itself, and tells nobody (docs/kernel-mode.md). */
import { addressText } from '../base/address.ts';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { ServerSetupOptions } from '../cli/server-setup.ts';
import type { Plan } from '../config/plan/plan.ts';
import { printDiagnostics, readConfigTexts } from '../load/config-file.ts';
import { prepare, refuses } from '../load/prepare.ts';
import { count } from '../base/count.ts';
import type { Output } from './check.ts';

export async function serverSetupCommand({ files, node }: ServerSetupOptions, { out, err }: Output): Promise<number> {
  const texts = readConfigTexts(files, err);
  if (texts === null) return EXIT_FAILED;
  const { diagnostics, ready } = prepare(texts, { node, workers: null, look: () => [] });
  if (ready === null) {
    printDiagnostics(diagnostics, err);
    err(`${texts.map(({ name }) => name).join(', ')}: ${count(diagnostics.filter(refuses).length, 'error')}\n`);
    return EXIT_FAILED;
  }
  out(setupOf(ready.plan));
  return EXIT_OK;
}

/** A part for each upstream that a listener sends to directly; empty: there is none. */
export function setupOf({ listeners, upstreams }: Pick<Plan, 'listeners' | 'upstreams'>): string {
  const parts = upstreams.flatMap(({ name, servers }, index) => {
    const own = listeners.filter(({ inKernel, upstream }) => inKernel === 'dsr' && upstream === index);
    if (own.length === 0) return [];
    const addresses = own.flatMap(({ binds }) => binds.map(({ address }) => address));
    const hosts = [...new Map(addresses.map((address) => [address.host, address])).values()];
    const targets = servers.map(({ target }) => {
      return 'hostname' in target ? `${target.hostname}:${target.port}` : addressText(target);
    });
    return [
      [
        `# upstream ${name}, on ${targets.join(' ')}`,
        ...(hosts.some(({ family }) => family === 4)
          ? ['sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2']
          : []),
        ...hosts.map(({ family, host }) => `ip address add ${host}/${family === 4 ? 32 : 128} dev lo`),
        '',
      ].join('\n'),
    ];
  });
  return parts.length === 0 ? '# no listener has `forward: dsr`\n' : parts.join('\n');
}
