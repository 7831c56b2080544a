/**
 * Where the requests of an upstream with `server-by` go: a text that is made of each request names another upstream, a server's name or
 * its address. Names are asked for when a request wants them, through the keeper, and a bounded number of them is remembered.
 */
import { HEAD_BYTES_MAX } from '../base/limits.ts';
import { latin1 } from '../base/text.ts';
import type { ServerByPlan, UpstreamPlan } from '../config/plan/upstream.ts';
import { mayClimb } from '../core/route/rewrite.ts';
import { readServerText, type ServerText } from '../core/route/server-text.ts';
import { ServerTemplate } from '../core/route/server-template.ts';
import { putEscape } from '../core/value/path.ts';
import type { RequestView } from '../core/value/request-view.ts';
import { ascii } from '../wire/http1/emit.ts';
import type { Context } from './context.ts';
import type { MakeServerLayer } from './layer.ts';
import { NamedUpstream } from './named-upstream.ts';
import type { Choice, NameNews, Upstream } from './upstream.ts';

/** Of one upstream. The one that was not wanted for longest is forgotten. */
const NAMES_MAX = 1000;
/** Asked for at the same time; a request that wants another one then is not served. */
const ASKED_MAX = 64;
/** The keeper has said nothing of a name that was asked for. */
const FORGOTTEN_MS = 60_000;
const QUESTION = 0x3f;

const written = new Uint8Array(HEAD_BYTES_MAX);
const target = new Uint8Array(HEAD_BYTES_MAX);

export class ServerChoice implements Choice {
  private readonly context: Context;
  private readonly base: UpstreamPlan;
  private readonly makeLayer: MakeServerLayer;
  private readonly template: ServerTemplate;
  private readonly scheme: 'http' | 'https';
  private readonly asksNames: boolean;
  /** By lower-case text. */
  private known: ReadonlyMap<string, Upstream> = new Map();
  /** By host and port, the one that was wanted last at the end. */
  private readonly named = new Map<string, NamedUpstream>();
  /** Since when. */
  private readonly asked = new Map<string, number>();
  private text: ServerText | null = null;
  /** By an earlier plan, while somebody waits there for a name. */
  private former: Choice | null;
  /** When what is under way has to have ended; null: it is the plan's. */
  private leavesAt: number | null = null;

  constructor(
    context: Context,
    base: UpstreamPlan,
    plan: ServerByPlan,
    makeLayer: MakeServerLayer,
    former: Choice | null,
  ) {
    this.former = former;
    this.context = context;
    this.base = base;
    this.makeLayer = makeLayer;
    this.template = new ServerTemplate(plan.text, plan.isLoose);
    this.asksNames = plan.asksNames;
    this.scheme = base.tls === null ? 'http' : 'https';
  }

  /** Those that may be named. */
  link(known: ReadonlyMap<string, Upstream>): void {
    this.known = known;
  }

  /** For the request in the view, which says from here on where it goes. Null: its text names nothing. */
  choose(view: RequestView): Upstream | null {
    const end = this.template.write(view, written);
    this.text = end < 0 ? null : readServerText(latin1(written, 0, end), this.scheme);
    const { text } = this;
    if (text === null) return null;
    view.serverBy = ascii(text.authority);
    view.serverByPort = ascii(String(text.port));
    const known = text.hasPort ? undefined : this.known.get(text.host);
    return known ?? this.namedBy(text);
  }

  private namedBy({ host, family, port }: ServerText): NamedUpstream {
    const { context, named } = this;
    const key = `${host} ${port}`;
    let upstream = named.get(key);
    if (upstream === undefined) {
      upstream = new NamedUpstream(context, this.base, host, port, this.makeLayer);
      if (family !== null) upstream.setFixed(family);
      if (named.size >= NAMES_MAX) this.forgetOldest();
    } else named.delete(key);
    named.set(key, upstream);
    upstream.want(this.ask);
    return upstream;
  }

  private forgetOldest(): void {
    for (const [key, upstream] of this.named) {
      if (upstream.hasWaiters) continue;
      this.named.delete(key);
      upstream.forget(Infinity);
      return;
    }
  }

  private readonly ask = (hostname: string): boolean => {
    const { now } = this.context.transport;
    const { asked } = this;
    for (const [other, since] of asked) if (now - since > FORGOTTEN_MS) asked.delete(other);
    if (asked.has(hostname)) return true;
    if (!this.asksNames || asked.size >= ASKED_MAX) return false;
    asked.set(hostname, now);
    this.context.report({ kind: 'name-wanted', upstream: this.base.name, hostname });
    return true;
  };

  handleNews(hostname: string, news: NameNews): void {
    this.asked.delete(hostname);
    for (const upstream of this.named.values()) if (upstream.host === hostname) upstream.handleNews(news);
    if (this.leavesAt !== null) this.leave(this.leavesAt);
    if (this.former === null) return;
    this.former.handleNews(hostname, news);
    if (this.former.isEmpty) this.former = null;
  }

  get isEmpty(): boolean {
    return this.named.size === 0;
  }

  /** What the text of the request that was chosen for last says behind the server replaces its path and query. False: it cannot. */
  applyTarget(view: RequestView): boolean {
    const text = this.text?.target ?? '';
    if (text === '') return true;
    let length = 0;
    let question = -1;
    for (let i = 0; i < text.length; i++) {
      const byte = text.charCodeAt(i);
      if (length + 3 > target.length) return false;
      if (byte === QUESTION && question < 0) question = length;
      if (byte > 0x20 && byte < 0x7f) target[length++] = byte;
      else length = putEscape(target, length, byte);
    }
    if (question < 0) question = length;
    if (mayClimb(target, question) || !view.rewrite(target, question, length)) return false;
    view.isPlaced = false;
    return true;
  }

  /** Nobody comes any more. Who waits for a name gets the answer still. What is under way goes on until `at`. */
  leave(at: number): void {
    this.leavesAt = at;
    for (const [key, upstream] of this.named) {
      if (upstream.hasWaiters) continue;
      this.named.delete(key);
      upstream.forget(at);
    }
  }
}
