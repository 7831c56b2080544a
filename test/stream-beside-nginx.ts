/** The same `stream` by nginx and by evenkeel, side by side. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Evenkeel, freePort } from './evenkeel.ts';
import { Daemon, temporaryDirectory } from './peers.ts';

/** The ports of their listeners, in the order of `servers`. */
export interface Ports {
  readonly nginx: readonly number[];
  readonly evenkeel: readonly number[];
}

/** `servers`: what each server has beside its `listen`. `outside`: what stands in front of them, for one who has these ports. */
export async function startStreams(
  t: TestContext,
  servers: readonly string[],
  outside: (ports: readonly number[]) => string = () => '',
): Promise<Ports> {
  const directory = temporaryDirectory(t);
  const log = join(directory, 'error.log');
  const write = async (name: string): Promise<{ readonly file: string; readonly ports: readonly number[] }> => {
    const ports: number[] = [];
    for (let i = 0; i < servers.length; i++) ports.push(await freePort());
    const each = servers.map((content, i) => `server { listen 127.0.0.1:${ports[i]}; ${content} }\n`).join('');
    const file = join(directory, name);
    writeFileSync(
      file,
      `load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off; master_process off; pid ${directory}/pid;\n` +
        `error_log ${log};\nevents { }\nstream {\n${outside(ports)}${each}}\n`,
    );
    return { file, ports };
  };
  const [theirs, ours] = [await write('nginx.conf'), await write('evenkeel.conf')];
  await Daemon.start(t, 'nginx', ['-p', directory, '-e', log, '-c', theirs.file], theirs.ports[0]);
  const env = { RUNTIME_DIRECTORY: directory };
  const evenkeel = Evenkeel.spawn(t, ['run', ours.file, '--workers', '1'], { env });
  await evenkeel.said(/ready: .*\n/);
  return { nginx: theirs.ports, evenkeel: ours.ports };
}
