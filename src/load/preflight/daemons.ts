/** What the routing daemon beside evenkeel lacks so that anybody is told of what is announced. */
import { type Diagnostic, diagnose, type Problem, problem, show } from '../../config/findings/diagnostic.ts';
import { DEFAULTS } from '../../config/model/defaults.ts';
import { entriesOf } from '../../config/model/parts.ts';
import { askBirdFacts } from '../../keeper/announce/bird-socket.ts';
import { isEstablished } from '../../wire/bird/questions.ts';
import type { Known } from '../prepare.ts';

export async function rehearseDaemons({ config, source }: Known): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  const asked = new Set<string>();
  for (const [name, { bird = DEFAULTS.announce.bird, interface: own }] of entriesOf(config.announce)) {
    if (own === undefined || asked.has(bird)) continue;
    asked.add(bird);
    const fault = await findFault(bird, own);
    if (fault !== null) found.push(diagnose(fault, source.locate(['announce', name, 'bird'], 'value')));
  }
  return found;
}

async function findFault(bird: string, interfaceName: string): Promise<Problem | null> {
  const path = show(bird);
  const facts = await askBirdFacts(bird, [interfaceName]);
  if (typeof facts === 'string') {
    const fix = "start it, write where its socket is, and let this user connect: systemd's `SupplementaryGroups=bird`";
    return problem('no-answer-of-bird', { path, reason: facts, fix });
  }
  if (!facts.hasDirect) {
    const reason = 'it has no protocol `direct` that is up, by which it sees addresses come and go';
    const fix = `add \`protocol direct { ipv4; ipv6; interface "${interfaceName}"; }\``;
    return problem('no-bgp-session', { path, reason, fix });
  }
  if (facts.sessions.length === 0) {
    const fix = 'add a `protocol bgp` for each router';
    return problem('no-bgp-session', { path, reason: 'it has no protocol of kind BGP', fix });
  }
  if (facts.sessions.some(isEstablished)) return null;
  const states = facts.sessions.map(
    ({ name, info }) => `${name} ${info === '' ? 'is down' : info.replace(/\s+/g, ' ')}`,
  );
  const fix = '`birdc show protocols all` says more';
  return problem('no-bgp-session', { path, reason: `no session is established: ${states.join('; ')}`, fix });
}
