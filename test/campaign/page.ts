/** The results of campaigns as a Markdown page and an SVG chart. */
import type { Campaign, CampaignResult } from './results.ts';

const KINDS = ['kept', 'fresh', 'download', 'upload', 'websocket', 'tcp'] as const;
const KIND_TEXTS: Readonly<Record<string, string>> = {
  kept: 'requests over kept connections',
  fresh: 'requests over new connections',
  download: 'downloads of 1 MiB',
  upload: 'uploads of 256 KiB',
  websocket: 'messages of WebSockets',
  tcp: 'messages of TCP sessions',
};
const TITLES: Readonly<Record<Campaign, string>> = {
  changes: 'Reloads and upgrades',
  kills: 'The same while any process is killed',
  'kills under systemd': 'The same under systemd',
};
const CAMPAIGNS = Object.keys(TITLES) as Campaign[];

export function renderPage(results: readonly CampaignResult[], machine: string): string {
  const lines = [
    '# Campaigns: figures',
    '',
    `${machine}. Other programs were busy on the machine. What is done, and what is checked: [campaigns](../campaigns.md).`,
    '',
    '![How long reloads and upgrades took](campaign.svg)',
  ];
  for (const campaign of CAMPAIGNS) {
    const of = results.filter((each) => each.campaign === campaign);
    if (of.length === 0) continue;
    lines.push('', `## ${TITLES[campaign]}`);
    for (const engine of ['uring', 'node']) {
      const those = of.filter((each) => each.engine === engine);
      if (those.length > 0) lines.push('', `### Engine ${engine}`, '', ...table(those), ...growth(those));
    }
  }
  return `${lines.join('\n')}\n`;
}

function table(results: readonly CampaignResult[]): readonly string[] {
  const reloads = results.flatMap(({ reloadMs }) => reloadMs);
  const upgrades = results.flatMap(({ upgradeMs }) => upgradeMs);
  const rows: (readonly [string, string])[] = [
    ['runs (seeds)', results.map(({ seed }) => seed).join(', ')],
    ['reloads', `${number(reloads.length)}: ${spread(reloads)}`],
    ['upgrades between the two builds', `${number(upgrades.length)}: ${spread(upgrades)}`],
    ...counted(results, ({ refused }) => refused).map(
      ([flaw, count]) => [`upgrades to a program that ${flaw}: nothing changed`, number(count)] as const,
    ),
    ...counted(results, ({ kills }) => kills).map(([role, count]) => [`killed: ${role}`, number(count)] as const),
    ...KINDS.map((kind) => {
      return [KIND_TEXTS[kind], number(results.reduce((sum, { done }) => sum + (done[kind] ?? 0), 0))] as const;
    }),
    ...counted(results, ({ excused }) => excused).map(
      ([why, count]) => [`ended, as it had to: ${why}`, number(count)] as const,
    ),
    ['**failed**', `**${number(results.reduce((sum, { failures }) => sum + failures, 0))}**`],
  ];
  return ['| | |', '|---|---:|', ...rows.map(([what, count]) => `| ${what} | ${count} |`)];
}

/** Of the programs of one run, each at the end of its time in charge. */
function growth(results: readonly CampaignResult[]): readonly string[] {
  const longest = Math.max(...results.map(({ footprints }) => footprints.length));
  if (longest < 2) return [];
  const lines = [
    '',
    'Each program at the end of its time in charge, the largest of all runs:',
    '',
    '| program | keeper | its descriptors | a proxy | its descriptors | buffers of all proxies | processes |',
    '|---|---:|---:|---:|---:|---:|---:|',
  ];
  for (let i = 0; i < longest; i++) {
    const of = results.flatMap(({ footprints }) => footprints.slice(i, i + 1));
    const most = (pick: (footprint: (typeof of)[number]) => number): number => Math.max(...of.map(pick));
    const cells = [
      `${i + 1} (${of.length} runs)`,
      mebibytes(most(({ keeperKib }) => keeperKib)),
      most(({ keeperDescriptors }) => keeperDescriptors),
      mebibytes(most(({ proxyKib }) => proxyKib)),
      most(({ proxyDescriptors }) => proxyDescriptors),
      most(({ slots }) => slots),
      most(({ processes }) => processes),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines;
}

const ROW_HEIGHT = 26;
const LEFT = 250;
const LENGTH = 560;

/** A line for each campaign and engine: every reload and every upgrade as a dot at the time that it took. */
export function renderChart(results: readonly CampaignResult[]): string {
  const rows = CAMPAIGNS.flatMap((campaign) =>
    ['uring', 'node'].flatMap((engine) => {
      const of = results.filter((each) => each.campaign === campaign && each.engine === engine);
      if (of.length === 0) return [];
      const title = campaign === 'changes' ? engine : `${campaign}, ${engine}`;
      return [
        { title: `reloads, ${title}`, times: of.flatMap(({ reloadMs }) => reloadMs), colour: '#0b7a75' },
        { title: `upgrades, ${title}`, times: of.flatMap(({ upgradeMs }) => upgradeMs), colour: '#c2402e' },
      ];
    }),
  );
  const most = Math.max(1_000, ...rows.flatMap(({ times }) => times));
  // From 10 ms on, by decades.
  const x = (ms: number): string =>
    (LEFT + (Math.log10(Math.max(10, ms) / 10) / Math.log10(most / 10)) * LENGTH).toFixed(1);
  const height = 90 + rows.length * ROW_HEIGHT;
  const parts = rows.map(({ title, times, colour }, i) => {
    const y = 60 + i * ROW_HEIGHT;
    const dots = times.map(
      (ms, j) => `<circle cx="${x(ms)}" cy="${y - 8 + ((j * 5) % 9)}" r="1.6" fill="${colour}" opacity="0.5"/>`,
    );
    return `<text x="${LEFT - 12}" y="${y}" text-anchor="end">${title} (${times.length})</text>${dots.join('')}`;
  });
  const marks = [10, 100, 1_000, 10_000, 100_000].filter((ms) => ms <= most);
  for (const ms of marks) {
    parts.push(`<line x1="${x(ms)}" y1="40" x2="${x(ms)}" y2="${height - 36}" stroke="#d5dde2"/>`);
    parts.push(
      `<text x="${x(ms)}" y="${height - 18}" text-anchor="middle">${ms >= 1_000 ? `${ms / 1_000} s` : `${ms} ms`}</text>`,
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="860" height="${height}" viewBox="0 0 860 ${height}" font-family="system-ui, sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="24" font-size="15" font-weight="600">How long each reload and each upgrade took, under traffic</text>
${parts.join('\n')}
</svg>
`;
}

function counted(
  results: readonly CampaignResult[],
  pick: (result: CampaignResult) => Readonly<Record<string, number>>,
): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>();
  for (const result of results) {
    for (const [name, count] of Object.entries(pick(result))) sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return [...sums].sort(([a], [b]) => a.localeCompare(b));
}

function spread(times: readonly number[]): string {
  if (times.length === 0) return 'none';
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => number(Math.round(sorted[Math.floor(share * (sorted.length - 1))]));
  return `median ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms`;
}

function mebibytes(kib: number): string {
  return `${(kib / 1024).toFixed(0)} MiB`;
}

function number(count: number): string {
  return count.toLocaleString('en');
}
