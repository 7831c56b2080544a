/** Lines over time, as SVG: no library draws more than this page needs in fewer bytes. */
import { useState } from 'preact/hooks';

const WIDTH = 600;
const HEIGHT = 160;
const SPARK_WIDTH = 120;
const SPARK_HEIGHT = 28;

export interface Series {
  readonly name: string;
  /** The class that colours it. */
  readonly tone: string;
  /** The latest last; null: nothing is known. */
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly title: string;
  readonly series: readonly Series[];
  /** Of each value, milliseconds since 1970. */
  readonly times: readonly number[];
  readonly format: (value: number) => string;
  /** The series stand on one another. */
  readonly isStacked?: boolean;
}

export function Chart({ title, series, times, format, isStacked = false }: ChartProps) {
  const [pointed, setPointed] = useState<number | null>(null);
  const count = times.length;
  const drawn = isStacked ? stacked(series) : series.map((each) => ({ ...each, floor: null }));
  const top = niceTop(Math.max(0, ...drawn.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const x = (i: number): number => (count < 2 ? WIDTH : (i / (count - 1)) * WIDTH);
  const y = (value: number): number => HEIGHT - (value / top) * HEIGHT;
  const shown = Math.min(pointed ?? count - 1, count - 1);
  const latest = series.map(({ name, values }) => `${name} ${textOf(values.at(-1), format)}`).join(', ');
  const point = (event: PointerEvent): void => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    setPointed(Math.round(((event.clientX - box.left) / box.width) * (count - 1)));
  };
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-time">
          {pointed === null || shown < 0 ? 'now' : new Date(times[shown]).toLocaleTimeString('en-GB')}
        </span>
      </figcaption>
      <div class="plot" onPointerMove={point} onPointerLeave={() => setPointed(null)}>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${title}, now: ${latest}`}
        >
          {[0.25, 0.5, 0.75].map((part) => (
            <line key={part} class="grid" x1="0" x2={WIDTH} y1={HEIGHT * part} y2={HEIGHT * part} />
          ))}
          {drawn.map(({ name, tone, values, floor }) => (
            <g key={name} class={tone}>
              {floor !== null && <path class="area" d={areaOf(values, floor, x, y)} />}
              <path class="line" d={lineOf(values, x, y)} />
            </g>
          ))}
          {pointed !== null && shown >= 0 && <line class="cursor" x1={x(shown)} x2={x(shown)} y1="0" y2={HEIGHT} />}
        </svg>
        <span class="axis top">{format(top)}</span>
        <span class="axis bottom">0</span>
        {count < 2 && <span class="plot-empty">collecting…</span>}
      </div>
      <ul class="legend">
        {series.map(({ name, tone, values }) => (
          <li key={name} class={tone}>
            <span class="swatch" aria-hidden="true" />
            {name} <b>{textOf(values[shown], format)}</b>
          </li>
        ))}
      </ul>
    </figure>
  );
}

function textOf(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value);
}

type Scale = (value: number) => number;

/** A gap where nothing is known. */
function lineOf(values: readonly (number | null)[], x: Scale, y: Scale): string {
  let path = '';
  let isOpen = false;
  for (const [i, value] of values.entries()) {
    if (value !== null) path += `${isOpen ? 'L' : 'M'}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    isOpen = value !== null;
  }
  return path;
}

function areaOf(values: readonly (number | null)[], floor: readonly number[], x: Scale, y: Scale): string {
  if (values.length < 2) return '';
  const back = floor.map((value, i) => `L${x(i).toFixed(1)} ${y(value).toFixed(1)}`).toReversed();
  return `${lineOf(values, x, y)}${back.join('')}Z`;
}

function stacked(series: readonly Series[]): readonly (Series & { readonly floor: readonly number[] })[] {
  let floor: readonly number[] = series[0]?.values.map(() => 0) ?? [];
  return series.map((each) => {
    const values = each.values.map((value, i) => (value ?? 0) + floor[i]);
    const layer = { ...each, values, floor };
    floor = values;
    return layer;
  });
}

/** 1, 2 or 5 and zeros. */
function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5].find((step) => step * power >= value) ?? 10);
}

export function Sparkline({ values }: { readonly values: readonly number[] }) {
  if (values.length < 2) return <svg class="spark" aria-hidden="true" />;
  const recent = values.slice(-60);
  const top = Math.max(...recent, 1e-9);
  const x = (i: number): number => (i / (recent.length - 1)) * SPARK_WIDTH;
  const y = (value: number): number => SPARK_HEIGHT - 1 - (value / top) * (SPARK_HEIGHT - 2);
  return (
    <svg class="spark" viewBox={`0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path
        class="area"
        d={areaOf(
          recent,
          recent.map(() => 0),
          x,
          y,
        )}
      />
      <path class="line" d={lineOf(recent, x, y)} />
    </svg>
  );
}
