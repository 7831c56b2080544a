/** What was asked and how long it took, of late. */
import { Chart } from './chart.tsx';
import { bytes, duration, short, whole } from './format.ts';
import { CLASSES, type CodeClass, type Sample } from './counts.ts';

const NAMES: Readonly<Record<CodeClass, string>> = {
  '2xx': '2xx',
  '3xx': '3xx',
  '4xx': '4xx',
  '5xx': '5xx',
  none: 'unanswered',
};

export function Traffic({ samples }: { readonly samples: readonly Sample[] }) {
  const times = samples.map(({ at }) => at);
  const isByClass = samples.some(({ classes }) => Object.values(classes).some((rate) => rate > 0));
  const used = CLASSES.filter((name) => name === '2xx' || samples.some(({ classes }) => classes[name] > 0));
  const requests = isByClass
    ? used.map((name) => ({
        name: NAMES[name],
        tone: `code-${name}`,
        values: samples.map(({ classes }) => classes[name]),
      }))
    : [{ name: 'requests', tone: 'code-2xx', values: samples.map(({ requests }) => requests) }];
  return (
    <section aria-labelledby="traffic">
      <h2 id="traffic">Traffic</h2>
      <div class="charts">
        <Chart title="Requests per second" times={times} format={short} series={requests} isStacked />
        <Chart
          title="Latency"
          times={times}
          format={duration}
          series={[
            { name: '50 %', tone: 'quantile-50', values: samples.map(({ p50 }) => p50) },
            { name: '99 %', tone: 'quantile-99', values: samples.map(({ p99 }) => p99) },
          ]}
        />
        <Chart
          title="Connections"
          times={times}
          format={(value) => whole(Math.round(value))}
          series={[
            { name: 'open', tone: 'code-2xx', values: samples.map(({ connections }) => connections) },
            { name: 'requests waiting', tone: 'code-4xx', values: samples.map(({ waiting }) => waiting) },
          ]}
        />
        <Chart
          title="Bytes per second"
          times={times}
          format={bytes}
          series={[
            { name: 'sent', tone: 'quantile-50', values: samples.map(({ sentBytes }) => sentBytes) },
            { name: 'received', tone: 'code-2xx', values: samples.map(({ receivedBytes }) => receivedBytes) },
          ]}
        />
      </div>
    </section>
  );
}
