/**
 * What a TCP listener does by the values of a connection: where it goes, what its client is told, and by what a server is chosen. Only
 * listeners that ask have one. It looks at one connection at a time: what it says holds until it looks at the next.
 */
import { encodeUtf8 } from '../base/text.ts';
import type { TcpPlan, TcpTargetPlan } from '../config/plan/listener.ts';
import { NameTable } from '../core/value/name-table.ts';
import { RequestView, type TlsFacts } from '../core/value/request-view.ts';
import { Span } from '../core/value/span.ts';
import { Template } from '../core/value/template.ts';
import { variableNumber } from '../core/value/variables.ts';
import type { Socket } from '../port/transport.ts';
import { RequestHead } from '../wire/http1/head.ts';
import { copyIp } from '../wire/ip-text.ts';
import type { ClientHello } from '../wire/tls/client-hello.ts';
import type { Context } from './context.ts';
import { Peer } from './http/peer.ts';
import type { ConnectionInfo } from './layer.ts';
import type { Upstream } from './upstream.ts';

/** One of both. */
export interface TcpTarget {
  readonly upstream: Upstream | null;
  readonly text: Template | null;
}

/** What is chosen by; longer texts are no case. */
const CHOICE_BYTES_MAX = 1024;
const NOTHING_ASKED: TcpPlan = { set: [], choice: null, respond: null };
const draft = new Uint8Array(CHOICE_BYTES_MAX);
const span = new Span();

export class TcpValues {
  readonly view: RequestView;
  private readonly context: Context;
  private readonly set: readonly (readonly [number: number, value: Template])[];
  private readonly by: Template | null;
  private readonly cases: NameTable;
  private readonly targets: readonly TcpTarget[];
  /** Of those that no case is for; null: they go on as without all this. */
  private readonly otherwise: TcpTarget | null;

  /** `plan` null: only servers are chosen by values. */
  constructor(context: Context, plan: TcpPlan | null, upstreams: readonly Upstream[]) {
    const { choice, respond, set } = plan ?? NOTHING_ASKED;
    const { hostname, memory, variables, wallClockMs } = context;
    this.context = context;
    this.view = new RequestView(memory, new RequestHead(0), variables);
    this.view.wallClockMs = wallClockMs;
    this.view.hostname = hostname;
    this.set = set.map(([name, value]) => [variableNumber(name), new Template(value, encodeUtf8)]);
    this.by = choice === null ? null : new Template(choice.by, encodeUtf8);
    const cases = choice === null ? [] : choice.cases;
    this.cases = NameTable.of(new Map(cases.map(([text], i) => [text.toLowerCase(), i])));
    this.targets = cases.map(([, target]) => targetOf(target, upstreams));
    this.otherwise = respond === null ? null : targetOf({ kind: 'respond', text: respond }, upstreams);
  }

  /** At this connection. */
  look(socket: Socket, info: ConnectionInfo | null): void {
    const { context, view } = this;
    const peer = new Peer(withHello(info), socket, context.transport);
    peer.judgeBy(null);
    copyIp(peer, view.client);
    copyIp(peer, view.peer);
    view.connection = peer;
    view.variables.begin();
    for (const [number, value] of this.set) view.variables.assign(number, value, view);
  }

  /** Where the connection goes; null: as without all this. */
  target(): TcpTarget | null {
    const { by, cases, otherwise, targets, view } = this;
    if (by === null) return otherwise;
    by.read(view, draft, span);
    const found = cases.find(span.bytes, span.at, span.length);
    return found < 0 ? otherwise : targets[found];
  }

  /** What it is balanced by in this upstream. */
  keyFor(upstream: Upstream): number {
    return upstream.keyFor(this.view);
  }
}

function targetOf(plan: TcpTargetPlan, upstreams: readonly Upstream[]): TcpTarget {
  if (plan.kind === 'respond') return { upstream: null, text: new Template(plan.text, encodeUtf8) };
  return { upstream: upstreams.find((one) => one.plan.name === plan.name) as Upstream, text: null };
}

/** What a client has said whose TLS is passed on, as if that was agreed on here. */
function withHello(info: ConnectionInfo | null): ConnectionInfo | null {
  return info === null || info.hello === null ? info : { ...info, tls: factsOf(info.hello) };
}

function factsOf({ serverName }: ClientHello): TlsFacts {
  return {
    version: '',
    cipher: '',
    group: '',
    offeredCiphers: '',
    offeredGroups: '',
    protocol: null,
    sessionId: '',
    serverName,
    isResumed: false,
    client: null,
  };
}
