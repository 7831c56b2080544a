/**
 * The program's entry. Besides the commands that people type it is the entry of the processes that the program starts
 * itself. Each imports only what it needs: a proxy is back sooner without the parsers of configurations.
 */
import { fileURLToPath } from 'node:url';
import type { EngineName } from './process/engine.ts';
import type { VipSpawnRole } from './keeper/ha/vip-child.ts';

// A reader that went away (a closed terminal, `| head`) is no reason to fail.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  const [word, ...rest] = args;
  switch (word) {
    case '__proxy':
      return (await import('./process/proxy.ts')).runProxy(rest[0] as EngineName, rest[1]);
    case '__vip':
      return (await import('./process/vip.ts')).runVip(rest[0], rest[1] as VipSpawnRole);
    case '__files':
      return (await import('./process/files.ts')).runFiles(rest[0]);
    case '__credentials':
      return (await import('./process/credentials.ts')).runCredentials(rest[0]);
    case '__probe':
      return (await import('./process/engine.ts')).runProbe(rest);
    case '__demo-servers':
      return (await import('./commands/demo-servers.ts')).runDemoServers();
    case '__lab-client':
      return (await import('./lab/client-process.ts')).runLabClient(rest);
    case '__lab-web':
      return (await import('./lab/web-process.ts')).runLabWebServer(rest[0]);
    default:
      return runCommandLine(args);
  }
}

async function runCommandLine(args: readonly string[]): Promise<number> {
  // Who looks for processes of nginx means those that serve: a command line must not look like one, not for a moment.
  if (args.some((word) => /nginx/i.test(word))) process.title = 'evenkeel';
  const [{ runCli }, { readVersion }] = await Promise.all([import('./cli/cli.ts'), import('./cli/version.ts')]);
  const program = {
    version: readVersion(),
    command: [process.execPath, fileURLToPath(import.meta.url)],
  } as const;
  const output = {
    out: (text: string) => process.stdout.write(text),
    err: (text: string) => process.stderr.write(text),
  };
  return runCli(args, {
    version: program.version,
    commands: {
      run: (options) => onLinux(async () => (await import('./commands/run.ts')).runCommand(options, program)),
      serverSetup: async (options) =>
        written((await import('./commands/server-setup.ts')).serverSetupCommand(options, output)),
      demo: (options) => onLinux(async () => (await import('./commands/demo.ts')).demoCommand(options, program)),
      lab: (options) => onLinux(async () => (await import('./commands/lab.ts')).labCommand(options, program)),
      convert: async (options) => written((await import('./commands/convert.ts')).convertCommand(options, output)),
      check: async (options) => written((await import('./commands/check.ts')).checkCommand(options, output)),
      status: async (options) => written((await import('./commands/status.ts')).statusCommand(options)),
      reload: async (options) => (await import('./commands/reload.ts')).reloadCommand(options),
      reopen: async (options) => (await import('./commands/reopen.ts')).reopenCommand(options),
      config: async (options) => written((await import('./commands/config.ts')).configCommand(options)),
      fleet: async (options) => written((await import('./commands/fleet/fleet.ts')).fleetCommand(options, output)),
      override: async (options) => (await import('./commands/override.ts')).overrideCommand(options),
      nginx: (options) =>
        onLinux(async () => (await import('./commands/nginx/nginx.ts')).nginxCommand(options, program, output)),
      keepalived: (options) =>
        onLinux(async () =>
          (await import('./commands/keepalived/keepalived.ts')).keepalivedCommand(options, program, output),
        ),
      events: async (options) => written((await import('./commands/events.ts')).eventsCommand(options)),
      explain: async (options) => written((await import('./commands/explain.ts')).explainCommand(options, output)),
      top: async (options) => written((await import('./commands/top.ts')).topCommand(options)),
      why: async (options) => written((await import('./commands/why.ts')).whyCommand(options)),
      token: async (options) => written((await import('./commands/token.ts')).tokenCommand(options, output)),
      identity: async () => written((await import('./commands/identity.ts')).identityCommand(output)),
      upgrade: async (options) => (await import('./commands/upgrade.ts')).upgradeCommand(options),
      move: async (options) => (await import('./commands/status.ts')).moveCommand(options),
    },
    ...output,
  });
}

/** A slow reader of a pipe gets all of it: what is not written yet is lost with the process. */
async function written(command: Promise<number>): Promise<number> {
  const code = await command;
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((resolve) => stream.write('', () => resolve()));
  return code;
}

/** Elsewhere the system calls are missing that these commands import; the other commands work everywhere. */
function onLinux(command: () => Promise<number>): Promise<number> {
  if (process.platform === 'linux') return command();
  process.stderr.write(`evenkeel: this needs Linux; ${process.platform} cannot run it (docs/not-supported.md)\n`);
  return Promise.resolve(1);
}
