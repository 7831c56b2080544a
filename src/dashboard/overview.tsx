/** The figures that say whether anybody has to do something, and what evenkeel itself says is wrong. */
import type { StatusDocument } from '../api/status.ts';
import { bytes, duration, plural, short, whole } from './format.ts';
import type { Sample } from './counts.ts';
import { Sparkline } from './chart.tsx';
import { Shape, type Tone } from './badge.tsx';
import { isServing } from './tones.ts';

interface OverviewProps {
  readonly status: StatusDocument;
  readonly samples: readonly Sample[];
}

export function Overview({ status, samples }: OverviewProps) {
  const { problems, unstored, configuration } = status;
  const last = samples.at(-1);
  const { p50, p99 } = last ?? { p50: null, p99: null };
  const servers = status.upstreams.flatMap((upstream) => upstream.servers);
  const serving = servers.filter(({ state }) => isServing(state)).length;
  const empty = status.upstreams.filter((upstream) => !upstream.servers.some(({ state }) => isServing(state)));
  const errors = last === undefined ? 0 : last.classes['5xx'] + (last.classes['5xx'] > 0 ? 0 : last.ownErrors);
  const warnings = [
    ...empty.map(({ name }) => `Upstream ${name} has no server that could take a request.`),
    ...problems,
    ...unstored,
    ...(configuration.isChanged === true
      ? ['The file on disk is not what runs: evenkeel reload, or evenkeel config diff.']
      : []),
  ];
  return (
    <section aria-labelledby="overview">
      <h2 id="overview" class="unseen">
        Overview
      </h2>
      {warnings.length > 0 && (
        <ul class="banner warn" aria-label="Problems">
          {warnings.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      <div class="tiles">
        <Tile
          name="Requests"
          value={last === undefined ? '–' : short(last.requests)}
          unit="/s"
          values={samples.map(({ requests }) => requests)}
        />
        <Tile
          name="Errors"
          value={last === undefined ? '–' : short(errors)}
          unit="/s"
          tone={errors > 0 ? 'bad' : 'good'}
          values={samples.map(({ classes, ownErrors }) => classes['5xx'] + ownErrors)}
        />
        <Tile
          name="Latency, 99 %"
          value={p99 === null ? '–' : duration(p99)}
          values={samples.map((sample) => sample.p99 ?? 0)}
          detail={p50 === null ? '' : `half within ${duration(p50)}`}
        />
        <Tile
          name="Connections"
          value={last === undefined ? '–' : whole(last.connections)}
          values={samples.map(({ connections }) => connections)}
          detail={last !== undefined && last.waiting > 0 ? `${plural(last.waiting, 'request')} waiting` : ''}
        />
        <Tile
          name="Servers"
          value={whole(serving)}
          unit={` of ${whole(servers.length)}`}
          tone={serving === servers.length ? 'good' : empty.length > 0 ? 'bad' : 'warn'}
          detail={
            serving === servers.length ? 'all take requests' : `${plural(servers.length - serving, 'does', 'do')} not`
          }
        />
        <Tile
          name="Sent"
          value={last === undefined ? '–' : bytes(last.sentBytes)}
          unit="/s"
          values={samples.map(({ sentBytes }) => sentBytes)}
          detail={last === undefined ? '' : `${bytes(last.receivedBytes)}/s received`}
        />
      </div>
    </section>
  );
}

interface TileProps {
  readonly name: string;
  readonly value: string;
  readonly unit?: string;
  readonly tone?: Tone;
  readonly detail?: string;
  readonly values?: readonly number[];
}

function Tile({ name, value, unit = '', tone, detail = '', values = [] }: TileProps) {
  return (
    <div class="tile">
      <p class="tile-name">
        {tone !== undefined && <Shape tone={tone} />} {name}
      </p>
      <p class="tile-value">
        {value}
        <span class="unit">{value === '–' ? '' : unit}</span>
      </p>
      <p class="tile-detail">{detail}</p>
      <Sparkline values={values} />
    </div>
  );
}
