/** What is asked of BIRD: its protocols, and which routes of some interfaces it tells to whom. Pure: questions go out, replies come in. */
import { type BirdProtocol, networksOf, protocolsOf, type Reply } from './replies.ts';

/** Of so many sessions routes are asked for; beyond that a node is a route server. */
const SESSIONS_MAX = 64;

export interface BirdSession extends BirdProtocol {
  /** Networks of the interfaces that were asked about; null: not asked, for the session is not established. */
  readonly told: readonly string[] | null;
}

export interface BirdFacts {
  /** Of BGP. */
  readonly sessions: readonly BirdSession[];
  /** One of kind `Direct` is up. */
  readonly hasDirect: boolean;
  /** Networks of the interfaces that it has taken up at all. */
  readonly known: readonly string[];
}

/** The next question after these replies; null: everything has been asked. Interfaces have been checked: no name has a quote. */
export function nextQuestion(interfaces: readonly string[], replies: readonly Reply[]): string | null {
  const routes = `show route where ${interfaces.map((name) => `ifname = "${name}"`).join(' || ')}`;
  if (replies.length === 0) return 'show protocols all';
  if (replies.length === 1) return routes;
  const session = establishedIn(replies[0])[replies.length - 2];
  return session === undefined ? null : `${routes} export ${session.name}`;
}

/** Of all replies, in the order of the questions. */
export function factsOf(replies: readonly Reply[]): BirdFacts {
  const protocols = protocolsOf(replies[0]);
  const established = establishedIn(replies[0]).map(({ name }) => name);
  return {
    sessions: protocols
      .filter(({ kind }) => kind === 'BGP')
      .map((protocol) => {
        const place = established.indexOf(protocol.name);
        return Object.assign({}, protocol, { told: place < 0 ? null : networksOf(replies[place + 2]) });
      }),
    hasDirect: protocols.some(({ kind, isUp }) => kind === 'Direct' && isUp),
    known: networksOf(replies[1]),
  };
}

export function isEstablished({ kind, info }: BirdProtocol): boolean {
  return kind === 'BGP' && info.startsWith('Established');
}

/** With names that can be written in a question. */
function establishedIn(reply: Reply): readonly BirdProtocol[] {
  return protocolsOf(reply)
    .filter((protocol) => isEstablished(protocol) && /^\w+$/.test(protocol.name))
    .slice(0, SESSIONS_MAX);
}
