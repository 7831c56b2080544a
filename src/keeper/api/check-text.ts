/** How a server is checked, for people: `http /healthz on port 8080`. */
import type { HealthPlan } from '../../config/plan.ts';

export function checkText({ probe, port, tls }: HealthPlan): string {
  const over = tls === null ? '' : ' over TLS';
  return `${probeText(probe)}${over}${port === null ? '' : ` on port ${port}`}`;
}

function probeText(probe: HealthPlan['probe']): string {
  if (probe.kind === 'http') return `http ${probe.path}`;
  if (probe.kind === 'run') return `run ${probe.command.join(' ')}`;
  if (probe.kind === 'dns') return `dns ${probe.name}`;
  return probe.kind === 'expect' ? `expect ${probe.expect}` : probe.kind;
}
