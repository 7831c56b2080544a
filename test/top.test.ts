/** `top` on a terminal, and as lines. script(1) of util-linux is the terminal. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { run } from './commands.ts';
import { engineSkip, ENGINES, Evenkeel, freePort, program, startBackend } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';
import { Change, until } from './waiting.ts';

const fileWith = (port: number, servers: readonly string[]): string => `
listeners:
  web: { bind: "127.0.0.1:${port}", protocol: http, routes: [ { upstream: web } ] }
upstreams:
  web: { servers: [ ${servers.map((each) => `"${each}"`).join(', ')} ], health: { http: /, interval: 200ms, timeout: 5s, fall: 1 } }
`;

async function started(
  t: TestContext,
  engine: 'uring' | 'node',
): Promise<{ port: number; node: Evenkeel; servers: readonly string[] }> {
  const [port, gone] = [await freePort(), await freePort()];
  const servers = [(await startBackend(t)).address, (await startBackend(t)).address, `127.0.0.1:${gone}`];
  const env = { STATE_DIRECTORY: temporaryDirectory(t) };
  const node = await Evenkeel.start(t, fileWith(port, servers), { engine, workers: 1, hasSocket: true, env });
  await node.said(new RegExp(`server web/127.0.0.1:${gone} down`));
  return { port, node, servers };
}

/** Asks again and again until the test is over. */
function ask(t: TestContext, port: number): void {
  const end = new AbortController();
  t.after(() => end.abort());
  const again = async (): Promise<void> => {
    while (!end.signal.aborted)
      await fetch(`http://127.0.0.1:${port}/`)
        .then((response) => response.arrayBuffer())
        .catch(() => undefined);
  };
  void again();
}

for (const engine of ENGINES) {
  test(`${engine}: as lines it has what was between two looks`, engineSkip(engine), async (t) => {
    const { node, port, servers } = await started(t, engine);
    ask(t, port);
    const isBusy = /\n(?!0 )[\d.k]+ requests\/s, no 5xx, \d+ connections?; 2 of 3 servers, 1 of 1 proxy\n/;
    let out = '';
    await until(
      async () => {
        const { code, stderr, stdout } = await run([
          'top',
          '--once',
          '--interval',
          '2',
          '--socket',
          `${node.file}.sock`,
        ]);
        assert.equal(code, 0, stderr);
        out = stdout;
        return isBusy.test(out);
      },
      () => out,
    );
    assert.match(out, /^evenkeel [\d.]+, pid \d+, up /);
    assert.match(
      out,
      /\nweb +open +\d+ +\S+ +(?!0 |- )\S+ +- +[\d.]+ +[\d.]+\n/,
      'its requests, and how long they took',
    );
    const rows = out.split('\n').filter((line) => line.startsWith('web/'));
    assert.match(
      rows[0],
      new RegExp(`^web/${servers[2]} +down .* connection refused`),
      'what takes no requests stands first',
    );
    assert.equal(rows.length, 3);
    assert.ok(!out.includes('\u001b'), 'no colours for what is no terminal');
    // What the page shows has the same form.
    const page = readFileSync(new URL('../../docs/top.md', import.meta.url), 'utf8');
    for (const title of out.split('\n').filter((line) => /^(LISTENER|SERVER)/.test(line)))
      assert.ok(page.includes(title), title);
  });
}

test('what is no terminal is refused, and told what to write', engineSkip('node'), async () => {
  const { code, stderr, stdout } = await run(['top']);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^evenkeel: top draws on a terminal, and this is none; write `evenkeel top --once`/);
});

/** A program on a terminal of 80 columns and 24 rows. */
class Terminal {
  text = '';
  readonly exit: Promise<number | null>;
  private readonly child;
  private readonly change = new Change();

  constructor(t: TestContext, command: string) {
    const env = { ...process.env, TERM: 'xterm', NO_COLOR: '1' };
    this.child = spawn('script', ['-qec', `stty rows 24 cols 80; exec ${command}`, '/dev/null'], { env });
    this.child.stdout.on('data', (data: Buffer) => {
      this.text += data.toString();
      this.change.wake();
    });
    this.exit = new Promise((resolve) => this.child.on('close', (code) => resolve(code)));
    t.after(() => this.child.kill('SIGKILL'));
  }

  /** Resolves when that is drawn, behind what was there before. */
  async shows(pattern: RegExp): Promise<void> {
    await this.change.until(
      () => pattern.test(this.text),
      () => `never ${pattern} in ${JSON.stringify(this.text.slice(-3_000))}`,
    );
  }

  async press(key: string, pattern: RegExp): Promise<void> {
    this.text = '';
    this.child.stdin.write(key);
    await this.shows(pattern);
  }

  quit(): void {
    this.child.stdin.write('q');
  }
}

test(
  'on a terminal it draws a picture that keys change, and leaves the terminal as it was',
  engineSkip('node'),
  async (t) => {
    const { node, port, servers } = await started(t, 'node');
    ask(t, port);
    const terminal = new Terminal(t, `'${process.execPath}' '${program}' top --socket '${node.file}.sock'`);
    await terminal.shows(/\[\?1049h.\[\?25l[^]*STATEv[^]*q ends/);
    await terminal.press('r', /REQ\/Sv[^]*q ends/);
    await terminal.press('r', /REQ\/S\^[^]*q ends/);
    await terminal.press('b', /1-1 of 1 [^]*b all/);
    assert.ok(terminal.text.includes(`web/${servers[2]}`));
    await terminal.press('b', /1-3 of 3 [^]*b bad ones/);
    await terminal.press(' ', /held[^]*space goes on/);
    await terminal.press(' ', /space holds/);
    await terminal.press('\u001b[B', /1-3 of 3/);
    node.signal('SIGTERM');
    await terminal.press('n', /evenkeel is not running[^]*q ends/);
    terminal.quit();
    assert.equal(await terminal.exit, 0);
    assert.match(terminal.text, /\[\?25h.\[\?1049l/);
  },
);
