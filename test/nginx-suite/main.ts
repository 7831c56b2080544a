/**
 * nginx's own test suite against `evenkeel nginx`: `npm run nginx-suite -- FOLDER [WORD...]`, with a checkout of the public repository
 * nginx/nginx-tests, of which nothing is kept here; WORDs choose files by their names. Counts per file, and why files fail, grouped by the
 * first thing that is said. It runs in a network namespace of its own, with a copy of the suite whose patience is longer,
 * whose clients and servers end their lines with CR LF: a line that ends with LF alone is refused on purpose (docs/http.md), and whose
 * clients of HTTP/2 begin as they have to.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { program } from '../evenkeel.ts';

const SELF = fileURLToPath(import.meta.url);
/** Says that this process is the one inside of the namespace. */
const INSIDE = 'EVENKEEL_NGINX_SUITE';
/** How many looks of 0.1 s for a program that starts or ends; the suite's own are 50. */
const LOOKS = 600;
/** Where the harness makes the folder of a test, which the proxies have to get into: they are not root. */
const FOLDER = /tempdir\([^)]*\)\n\s*or die [^;]*;\n/;
const OPEN_FOLDER = '\tchmod(0755, $self->{_testdir});\n';
/** Where the harness has a request that it is about to send; and the lines of its head get their ends, unless it is for a name server of the test. */
const REQUEST = /sub http_start\(\$;%\) \{\n\tmy \(\$request, %extra\) = @_;\n/;
const END_LINES =
  '\tif ($request !~ /^X-ERROR: /m && $request =~ /^(.*?\\n)\\r?\\n(.*)$/s) { my ($h, $b) = ($1, $2); $h =~ s/\\r*\\n/\\r\\n/g; $request = "$h\\r\\n$b"; }\n';
/**
 * Where a client of HTTP/2 begins without SETTINGS, which it has to send (RFC 9113 section 3.4) and which are acknowledged, and a server that sends its
 * own behind the first request, which evenkeel sends behind those (docs/decisions/http2-to-servers.md).
 */
const HTTP2_PREFACE = '\t$self->raw_write($preface);\n';
const FIRST_SETTINGS = '\t$self->h2_settings(0) unless $extra{pure} && $preface ne "";\n';
const HTTP2_BEGUN = '\t# 6.5.3.  Settings Synchronization\n';
const FIRST_ACKNOWLEDGEMENT = "\t$self->read(all => [{ type => 'SETTINGS' }]);\n";
/** How many bits a text has in Huffman's code: they are padded with up to seven (RFC 7541 section 5.2), not with eight. */
const HUFFMAN_BITS = 'length($ret) + (8 - length($ret) % 8)';
const RIGHT_BITS = 'length($ret) + (8 - length($ret) % 8) % 8';
const FILE_MS_MAX = 180_000;

interface Outcome {
  readonly file: string;
  readonly kind: 'pass' | 'fail' | 'skip';
  readonly ok: number;
  readonly notOk: number;
  /** The first thing that is wrong, or why it was skipped. */
  readonly reason: string;
}

const [folder, ...words] = process.argv.slice(2);
process.exitCode = process.env[INSIDE] === undefined ? enterNamespace() : await runSuite();

function enterNamespace(): number {
  if (folder === undefined) {
    process.stderr.write('usage: npm run nginx-suite -- FOLDER [WORD...]\n');
    return 2;
  }
  const script = 'ip link set lo up && exec "$@"';
  const args = ['--net', 'sh', '-c', script, 'sh', process.execPath, SELF, ...process.argv.slice(2)];
  const { status } = spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } });
  return status ?? 1;
}

async function runSuite(): Promise<number> {
  const base = mkdtempSync(join(tmpdir(), 'evenkeel-suite-'));
  try {
    const suite = join(base, 'suite');
    cpSync(folder, suite, { recursive: true });
    const harness = join(suite, 'lib/Test/Nginx.pm');
    const text = readFileSync(harness, 'utf8').replaceAll('(1 .. 50)', `(1 .. ${LOOKS})`);
    writeFileSync(
      harness,
      text.replace(REQUEST, (start) => start + END_LINES).replace(FOLDER, (made) => made + OPEN_FOLDER),
    );
    const http2 = join(suite, 'lib/Test/Nginx/HTTP2.pm');
    writeFileSync(
      http2,
      readFileSync(http2, 'utf8')
        .replace(HTTP2_PREFACE, (sent) => sent + FIRST_SETTINGS)
        .replace(HTTP2_BEGUN, (line) => line + FIRST_ACKNOWLEDGEMENT)
        .replace(HUFFMAN_BITS, RIGHT_BITS),
    );
    const texts = readdirSync(suite, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:t|pm)$/.test(name));
    for (const file of texts) {
      writeFileSync(join(suite, file), withLineEnds(readFileSync(join(suite, file), 'latin1')), 'latin1');
    }
    const binary = writeBinary(base);
    const files = readdirSync(suite)
      .filter((name) => name.endsWith('.t') && (words.length === 0 || words.some((word) => name.includes(word))))
      .sort();
    const outcomes: Outcome[] = [];
    for (const file of files) {
      const outcome = await runFile(suite, file, binary);
      outcomes.push(outcome);
      const { kind, ok, notOk, reason } = outcome;
      process.stdout.write(`${kind} ${file} ${ok} ok, ${notOk} not ok${reason === '' ? '' : `: ${reason}`}\n`);
    }
    summarize(outcomes);
    return 0;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

/** What the suite runs as nginx. Which modules there are does not change from file to file. */
/** Heads of messages that stand in the text of a test, line by line. Perl takes a CR out of such a text unless it is written as an escape. */
function withLineEnds(text: string): string {
  return text.replace(
    /<<(['"]?)(\w+)\1([^\n]*\n)([^]*?\n)\2\n/g,
    (whole, quote: string, word: string, rest: string, content: string) => {
      if (!/^(?:HTTP\/1|[A-Z]+ \S* ?HTTP\/1)/.test(content) || /^X-ERROR: /m.test(content)) return whole;
      const plain = quote === "'" ? content.replace(/[\\$@]/g, '\\$&') : content;
      const blank = /^\n/m.exec(plain)?.index ?? plain.length;
      const head = plain.slice(0, blank + 1);
      return `<<"${word}"${rest}${head.replaceAll('\n', '\\r\n')}${plain.slice(head.length)}${word}\n`;
    },
  );
}

function writeBinary(base: string): string {
  const { stderr } = spawnSync(process.execPath, [program, 'nginx', '-V'], { encoding: 'utf8' });
  const modules = join(base, 'modules');
  writeFileSync(modules, stderr);
  mkdirSync(join(base, 'bin'));
  const binary = join(base, 'bin/nginx');
  const script = `#!/bin/sh\n[ "$*" = -V ] && exec cat ${modules} >&2\nexec ${process.execPath} ${program} nginx "$@"\n`;
  writeFileSync(binary, script, { mode: 0o755 });
  return binary;
}

async function runFile(suite: string, file: string, binary: string): Promise<Outcome> {
  const child = spawn('perl', [file], {
    cwd: suite,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // With what keeps a file from being tried in the output.
    // whoever reads files has to get into the folder of the test
    env: { ...process.env, TEST_NGINX_BINARY: binary, TEST_NGINX_VERBOSE: '1', TEST_NGINX_GLOBALS: 'user root;' },
  });
  let out = '';
  let said = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString('latin1')));
  child.stderr.on('data', (data: Buffer) => (said += data.toString('latin1')));
  const timer = setTimeout(() => endGroup(child.pid!), FILE_MS_MAX);
  const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
  clearTimeout(timer);
  endGroup(child.pid!);
  return judge(basename(file, '.t'), out, said, code);
}

/** What a file that failed has left running. */
function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nothing is left.
  }
}

function judge(file: string, out: string, said: string, code: number | null): Outcome {
  const emerg = /\[emerg\] (?:\d+#\d+: )?(.*)/.exec(said + out)?.[1];
  const skipped = /^1\.\.0 # SKIP (.*)$/m.exec(out);
  if (skipped !== null) return { file, kind: 'skip', ok: 0, notOk: 0, reason: emerg ?? skipped[1] };
  const results = out.match(/^(?:not )?ok \d+.*$/gm) ?? [];
  const wrong = results.filter((line) => line.startsWith('not ok') && !/# TODO/.test(line));
  const planned = Number(/^1\.\.(\d+)$/m.exec(out)?.[1] ?? -1);
  const isWhole = wrong.length === 0 && results.length === planned && code === 0;
  const broken = said.split('\n').find((line) => line !== '' && !line.startsWith('nginx: ') && !line.startsWith('#'));
  const first = emerg ?? wrong[0] ?? broken ?? `exit code ${code}`;
  return {
    file,
    kind: isWhole ? 'pass' : 'fail',
    ok: results.length - wrong.length,
    notOk: wrong.length,
    reason: isWhole ? '' : first,
  };
}

function summarize(outcomes: readonly Outcome[]): void {
  const count = (kind: Outcome['kind']): number => outcomes.filter((outcome) => outcome.kind === kind).length;
  const subtests = outcomes.reduce((sum, { ok }) => sum + ok, 0);
  const total = `${count('pass')} pass, ${count('fail')} fail, ${count('skip')} skip; ${subtests} subtests ok`;
  process.stdout.write(`\n${outcomes.length} files: ${total}\n`);
  for (const kind of ['fail', 'skip'] as const) {
    const groups = new Map<string, string[]>();
    for (const { file, reason } of outcomes.filter((outcome) => outcome.kind === kind)) {
      // Places and numbers differ from file to file.
      const key = reason
        .replace(/ in \S+$/, '')
        .replace(/\d+/g, 'N')
        .slice(0, 120);
      groups.set(key, [...(groups.get(key) ?? []), file]);
    }
    const sorted = [...groups].sort(([, a], [, b]) => b.length - a.length);
    for (const [reason, files] of sorted)
      process.stdout.write(`${kind} ${files.length}: ${reason}: ${files.join(' ')}\n`);
  }
}
