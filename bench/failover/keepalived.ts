/**
 * keepalived with nginx, each as it runs best: VRRP version 3, the fastest check of nginx that a script can be (every
 * second, one failure suffices), a connection pool towards the servers.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PRIORITIES, ROUTER_ID } from '../../src/lab/evenkeel-node.ts';
import {
  ADDRESSES,
  type Balancer,
  type Pair,
  PREFIX_LENGTH,
  VIRTUAL_ADDRESS,
  WEB_SERVERS,
} from '../../src/lab/pair.ts';
import { commandLineOf, parentOf } from '../../src/lab/processes.ts';
import type { Contender, Part } from './contender.ts';

export function keepalived(): Contender {
  return {
    name: 'keepalived + nginx',
    version: `${versionOf('keepalived', /Keepalived v([0-9.]+)/)} + ${versionOf('nginx', /nginx\/([0-9.]+)/)}`,
    async start(pair, host, intervalMs) {
      const directory = join(pair.network.directory, host);
      // Without the pid files of a life before, whose numbers may be somebody else's by now.
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'nginx.conf'), nginxConfig(directory));
      writeFileSync(join(directory, 'keepalived.conf'), keepalivedConfig(host, intervalMs));
      pair.run(host, ['nginx', '-c', join(directory, 'nginx.conf')]);
      const files = `--use-file ${directory}/keepalived.conf --pid ${directory}/keepalived.pid --vrrp_pid ${directory}/vrrp.pid`;
      pair.run(host, ['keepalived', '--dont-fork', '--log-console', '--log-detail', '--vrrp', ...files.split(' ')]);
    },
    async stop(pair, host) {
      const { supervisor } = partsOf(pair, host);
      for (const pid of supervisor) process.kill(pid, 'SIGTERM');
    },
    handOver: null,
    pids: (pair, host, part) => pidsOf(partsOf(pair, host), part),
  };
}

interface Parts {
  readonly all: number[];
  readonly supervisor: number[];
  readonly owner: number[];
  readonly proxy: number[];
}

function partsOf(pair: Pair, host: Balancer): Parts {
  const all = pair.processes(host);
  const keepaliveds = all.filter((pid) => /^keepalived|\/keepalived /.test(commandLineOf(pid)));
  return {
    all,
    supervisor: keepaliveds.filter((pid) => !keepaliveds.includes(parentOf(pid))),
    owner: keepaliveds.filter((pid) => keepaliveds.includes(parentOf(pid))),
    proxy: all.filter((pid) => commandLineOf(pid).startsWith('nginx')),
  };
}

function pidsOf({ all, supervisor, owner, proxy }: Parts, part: Part): number[] {
  return { node: all, 'owner and supervisor': [...supervisor, ...owner], owner, proxy }[part];
}

function keepalivedConfig(host: Balancer, intervalMs: number): string {
  return `global_defs {
    router_id ${host}
    script_user root
    vrrp_version 3
}
vrrp_script check_nginx {
    script "/usr/bin/curl --silent --fail --max-time 1 --output /dev/null http://127.0.0.1/"
    interval 1
    timeout 1
    fall 1
    rise 1
}
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id ${ROUTER_ID}
    priority ${PRIORITIES[host]}
    advert_int ${intervalMs / 1000}
    virtual_ipaddress {
        ${VIRTUAL_ADDRESS}/${PREFIX_LENGTH}
    }
    track_script {
        check_nginx
    }
}
`;
}

function nginxConfig(directory: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(directory, kind)};`)
    .join(' ');
  const servers = WEB_SERVERS.map((name) => `server ${ADDRESSES[name]}:80;`).join(' ');
  return `user root; worker_processes 1; daemon off;
pid ${join(directory, 'nginx.pid')}; error_log ${join(directory, 'nginx.log')} crit;
events { worker_connections 8192; }
http {
  access_log off; ${temporary}
  upstream web { ${servers} keepalive 64; }
  server {
    listen 80 backlog=4096;
    location / { proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`;
}

function versionOf(program: string, pattern: RegExp): string {
  const output = execFileSync('sh', ['-c', `${program} -v 2>&1`], { encoding: 'utf8' });
  return pattern.exec(output)?.[1] ?? 'unknown';
}
