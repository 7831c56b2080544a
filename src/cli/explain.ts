/** `evenkeel explain URL`: what would become of a request, a connection or a datagram, and why. */
import { type Command, InvalidArgumentError } from 'commander';
import { NODE_OPTION, SOCKET_DEFAULT } from './arguments.ts';
import type { CliContext } from './context.ts';

export interface ExplainOptions {
  readonly url: string;
  readonly method: string;
  /** `Name: value`. */
  readonly headers: readonly string[];
  /** The client's address. Null: that of this machine. */
  readonly from: string | null;
  /** Its name. Null: the URL tells. */
  readonly listener: string | null;
  /** Files to explain it by. Empty: the running instance is asked. */
  readonly files: readonly string[];
  /** Of the files. Null: the file's `node`, or else the host name. */
  readonly node: string | null;
  /** Null: where it usually is. */
  readonly socket: string | null;
  readonly isJson: boolean;
}

interface ExplainCommand {
  explain(options: ExplainOptions): Promise<number>;
}

interface Flags {
  readonly method: string;
  readonly header?: readonly string[];
  readonly from?: string;
  readonly listener?: string;
  readonly config?: readonly string[];
  readonly node?: string;
  readonly json?: boolean;
  readonly socket?: string;
}

export function addExplainCommand(program: Command, context: CliContext<ExplainCommand>): void {
  program
    .command('explain')
    .description(
      'show what would become of a request, a connection or a datagram now: which listener, route, upstream and server it would take and why, and what would happen to its header fields',
    )
    .argument('<url>', '`https://shop.example/cart`, `tcp://192.0.2.1:5432`, `udp://192.0.2.1:53`')
    .option('-H, --header <field>', "a header field: 'Name: value'; may be repeated", collectField)
    .option('-X, --method <method>', 'the method of the request', 'GET')
    .option('--from <address>', "the client's address (default: this machine's)")
    .option('--listener <name>', 'the listener that it comes to, where the URL does not tell')
    .option(
      '--config <file>',
      'explain it by this file instead of what runs, as if every server were up; may be repeated',
      collect,
    )
    .option('--node <name>', NODE_OPTION)
    .option('--json', 'print it as JSON')
    .option('--socket <path>', `control socket of the instance (default: ${SOCKET_DEFAULT})`)
    .addHelpText(
      'after',
      '\nNothing is sent anywhere. The exit code is 0 if a server or a route would answer, and 1 if it would be refused or have\n' +
        'to wait, or cannot be explained.\n',
    )
    .action(async (url: string, { method, header, from, listener, config, node, json = false, socket }: Flags) => {
      const place = { from: from ?? null, listener: listener ?? null, node: node ?? null, socket: socket ?? null };
      const options = { url, method, headers: header ?? [], files: config ?? [], isJson: json, ...place };
      context.exit(await context.commands.explain(options));
    });
}

function collect(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text];
}

function collectField(text: string, earlier: readonly string[] = []): readonly string[] {
  if (!/^[^\s:]+:/.test(text) || /[\r\n]/.test(text)) throw new InvalidArgumentError("Write 'Name: value'.");
  return collect(text, earlier);
}
