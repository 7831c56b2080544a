/** A run as a Markdown page and as an SVG chart. */
import { type IdleFigure, medianOf, ratio, type Row } from './results.ts';

export interface Report {
  readonly machine: string;
  readonly versions: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly rows: readonly Row[];
  readonly idle: readonly IdleFigure[];
  readonly idleTargetBytes: Readonly<Record<IdleFigure['listener'], number>>;
}

const OURS = 'evenkeel';
const PEERS = new Set(['nginx', 'haproxy', 'bare loop', 'bare relay', 'evenkeel (before)']);

export function renderMarkdown(report: Report): string {
  const lines = [
    `${report.versions}; ${report.machine}.`,
    '',
    `One worker each on one core, load and backends on another; ${report.rounds} interleaved rounds of ${report.seconds} s.`,
    'CPU is that of the whole proxy, user and system, per request. Figures are medians; ratios are medians of the rounds’',
    'own ratios.',
    '',
    '| scenario | proxy | requests/s | p50 | p99 | CPU µs/request | memory | errors | CPU: evenkeel / this | wanted |',
    '|---|---|---:|---:|---:|---:|---:|---:|---:|---:|',
  ];
  for (const row of report.rows) {
    for (const name of row.samples.keys()) lines.push(rowLine(row, name));
  }
  if (report.idle.length > 0) {
    lines.push('', '| 10,000 idle keep-alive connections | bytes per connection | wanted |', '|---|---:|---:|');
    for (const { name, listener, bytes } of report.idle) {
      const wanted = name === OURS ? `≤ ${report.idleTargetBytes[listener]}` : '';
      lines.push(`| ${name}${listener === 'tls' ? ', TLS' : ''} | ${Math.round(bytes)} | ${wanted} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function rowLine(row: Row, name: string): string {
  const wanted = row.scenario.target[name];
  const cells = [
    row.scenario.name,
    name,
    Math.round(medianOf(row, name, (s) => s.requestsPerSecond)).toLocaleString('en'),
    milliseconds(medianOf(row, name, (s) => s.p50Us)),
    milliseconds(medianOf(row, name, (s) => s.p99Us)),
    medianOf(row, name, (s) => s.cpuUs).toFixed(2),
    `${(medianOf(row, name, (s) => s.memoryBytes) / 1048576).toFixed(0)} MiB`,
    String(medianOf(row, name, (s) => s.errors)),
    PEERS.has(name) ? ratio(row, OURS, name, (s) => s.cpuUs).toFixed(2) : '',
    wanted === undefined ? '' : `≤ ${wanted.toFixed(2)}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function milliseconds(us: number): string {
  return `${(us / 1000).toFixed(2)} ms`;
}

const COLOURS: Readonly<Record<string, string>> = {
  nginx: '#7a8b99',
  haproxy: '#b0a18f',
  evenkeel: '#0b7a75',
  'evenkeel (node)': '#8fd0cb',
  'evenkeel (before)': '#5aa9a3',
  'bare loop': '#e0b84c',
  'bare relay': '#e0b84c',
};

/** Bars of CPU per request, each scenario scaled so that nginx is 1. */
export function renderChart(rows: readonly Row[]): string {
  const barHeight = 14;
  const rowHeight = (row: Row): number => row.samples.size * (barHeight + 3) + 22;
  const left = 230;
  const width = 860;
  const unit = 330;
  const height = rows.reduce((sum, row) => sum + rowHeight(row), 60);
  const parts: string[] = [];
  let y = 44;
  for (const row of rows) {
    parts.push(`<text x="${left - 12}" y="${y + 26}" text-anchor="end" font-weight="600">${row.scenario.name}</text>`);
    for (const name of row.samples.keys()) {
      const value = ratio(row, name, 'nginx', (sample) => sample.cpuUs);
      const length = Math.min(value * unit, width - left - 150);
      const label = `${name} ${value.toFixed(2)}`;
      parts.push(
        `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2" fill="${COLOURS[name]}"/>`,
        `<text x="${(left + length + 6).toFixed(1)}" y="${y + barHeight - 3}">${label}</text>`,
      );
      y += barHeight + 3;
    }
    y += 22;
  }
  const line = `<line x1="${left + unit}" x2="${left + unit}" y1="36" y2="${height - 20}" stroke="#999" stroke-dasharray="3 3"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${left}" y="22" font-size="15" font-weight="600">CPU per request, nginx = 1 (less is better)</text>
${line}
${parts.join('\n')}
</svg>
`;
}
