/** A route of a listener, prepared: what the plan says with everything looked up and encoded once. */
import { assert } from '../../base/assert.ts';
import { RESPOND_BODY_BYTES_MAX, RESPONSE_EDIT_BYTES_MAX } from '../../base/limits.ts';
import { FILES_UPSTREAM } from '../../config/plan/files.ts';
import type { ActionPlan, ProxyActionPlan, RoutePlan } from '../../config/plan/route.ts';
import type { CountedPlan } from '../../config/plan/record.ts';
import { countedKey, routeLabel, upstreamOf } from '../../config/plan/route-label.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { BodyTemplate } from '../../core/value/body-template.ts';
import { RouteLimits } from '../../core/limit/route-limits.ts';
import { markLate } from '../../core/value/late.ts';
import { BandwidthRule } from '../../core/bandwidth/rule.ts';
import { CompressionRule } from '../../core/compress/rule.ts';
import { Redirect } from '../../core/route/redirect.ts';
import type { Reading } from '../../core/value/path.ts';
import type { RouteWatch } from '../../core/route/route-watch.ts';
import { Steps } from '../../core/route/steps.ts';
import { compileRewrite, type Rewrite } from '../../core/route/rewrite.ts';
import { TargetTemplate } from '../../core/route/target-template.ts';
import { ascii } from '../../wire/http1/emit.ts';
import type { Upstream } from '../upstream.ts';
import type { AccessLog } from '../log/access-log.ts';
import { ErrorPage } from './error-page.ts';
import { type Entry, Guard } from './guard.ts';
import { HeaderEdit } from './header-edit.ts';
import { Mirror } from './mirror.ts';
import { NOTHING, NO_KIND, TEXT_PLAIN, reasonOf, type OwnResponse } from './own-responses.ts';
import { ResponseChanges } from './response-changes.ts';
import type { PassageRules } from './response-passage.ts';
import { requestDropTable } from './request-drops.ts';
import { SentRequest } from './sent-request.ts';
import { TargetBy } from './target-by.ts';

const HOST = ascii('host');
const X_FORWARDED_FOR = ascii('x-forwarded-for');
const X_FORWARDED_PROTO = ascii('x-forwarded-proto');
const X_FORWARDED_HOST = ascii('x-forwarded-host');
const X_REQUEST_ID = ascii('x-request-id');

const READY = fixed(200, 'ready\n');
const DRAINED = fixed(503, 'drained\n');
const NONE_INSIDE: readonly Route[] = [];

/** The access logs of these names. */
export type LogsOf = (names: readonly string[]) => readonly AccessLog[];

/** What a plan has besides its routes. */
export interface Surroundings {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly isReady: boolean;
  readonly logsOf: LogsOf;
  /** Of routes that say nothing of it. */
  readonly compression: CompressionRule | null;
}

export class Route {
  readonly plan: RoutePlan;
  readonly action: ActionPlan;
  /** Null: there are none. */
  readonly steps: Steps<Route> | null;
  private readonly errors: readonly ErrorPage<Route>[];
  /** Set if and only if the action is `proxy`. */
  readonly proxy: ProxyActionPlan | null;
  /** It answers from files of this machine. */
  readonly isOfFiles: boolean;
  /** Set if and only if the action is `proxy`, and the route is bound. */
  upstream: Upstream | null = null;
  /** Null: the target stays as sent. */
  readonly rewrite: Rewrite | null;
  /** What the target becomes, with values of the request in it; null: nothing of the kind. */
  readonly target: TargetTemplate | null;
  /** Set if and only if the action is `redirect`. */
  readonly redirect: Redirect | null;
  /** Set if and only if the action is not `proxy`. */
  own: OwnResponse | null;
  /** Of that response, where values of the request are in its body. */
  readonly ownBody: BodyTemplate | null;
  readonly ownContentType: Uint8Array;
  readonly requestEdit: HeaderEdit;
  readonly responseEdit: HeaderEdit;
  /** The same for a server's response that is no error. */
  readonly successEdit: HeaderEdit;
  /** Its own answer says something of the tries before it. */
  readonly hasLateBody: boolean;
  /** What it changes in a response by what is in it; null: nothing. */
  readonly changes: ResponseChanges | null;
  /** What servers are sent in place of what came; null: nothing is. */
  readonly send: SentRequest | null;
  /** By what a response says where its request goes on; null: by nothing. */
  readonly targetBy: TargetBy | null;
  /** Null: whoever comes is let in. */
  readonly entry: Entry<Route> | null;
  /** Where copies of its requests go; null: there are none. */
  readonly mirrors: readonly Mirror[] | null;
  /** What a server's responses go through on their way to clients; null: nothing. */
  passage: PassageRules | null = null;
  private readonly ownCompression: CompressionRule | null;
  private readonly bandwidth: BandwidthRule | null;
  readonly passesClaims: boolean;
  /** What is taken in its place. */
  readonly inside: readonly Route[];
  /** It, or one inside of it, names access logs of its own. */
  readonly isLogged: boolean;
  /** The access logs that its requests are in; null: the listener's. */
  logs: readonly AccessLog[] | null = null;
  /** With which others its requests are counted; null: with those that no route takes. */
  counted: CountedPlan | null = null;
  /** What tells them apart from those of other routes of the listener. */
  readonly countedKey: string;
  /** The proxy adds its own X-Forwarded-... and X-Request-Id except where the route sets or removes them. */
  readonly addsForwardedFor: boolean;
  readonly addsForwardedProto: boolean;
  readonly addsForwardedHost: boolean;
  readonly addsRequestId: boolean;
  readonly setsHost: boolean;
  /** It goes to a server, or its answer has values that are not in the request's head. */
  readonly needsView: boolean;
  /** Fields that do not go to a server, by F_ number: of any request, and of one that a trusted proxy sent. */
  readonly requestDropTable: Uint8Array;
  readonly trustedDropTable: Uint8Array;
  /** What a request without Host is sent with. */
  readonly upstreamName: Uint8Array;
  /** Upper bound of what rewriting and the upstream's name add to a request's head, in bytes, the request's own target excluded. */
  readonly requestGrowthMax: number;
  /** The part of it that rewriting may add. */
  readonly rewriteGrowthMax: number;

  /** `label`: of the route that requests are matched with, of which this one may be a part. `watch`: hears what its steps do. */
  constructor(plan: RoutePlan, reading: Reading, watch: RouteWatch | null = null, label = routeLabel(plan)) {
    const prepare = (inner: RoutePlan): Route => new Route(inner, reading, watch, label);
    this.plan = plan;
    this.countedKey = countedKey(label, upstreamOf(plan));
    this.action = plan.action;
    this.errors = plan.errors.map((page) => new ErrorPage(page, prepare));
    this.steps = plan.steps.length === 0 ? null : new Steps(plan.steps, prepare, watch);
    const pages = this.errors.flatMap(({ route }) => route ?? []);
    const inside = [...pages, ...(this.steps?.routes ?? [])];
    this.inside = inside.length === 0 ? NONE_INSIDE : inside;
    this.isLogged = (plan.accessLogs ?? []).length > 0 || inside.some((route) => route.isLogged);
    this.proxy = plan.action.kind === 'proxy' ? plan.action : null;
    this.isOfFiles = this.proxy?.upstream === FILES_UPSTREAM;
    this.rewrite = compileRewrite(plan, reading);
    const rewritten = plan.action.kind === 'proxy' ? plan.action.rewrite : null;
    this.target = rewritten?.kind === 'target' ? new TargetTemplate(rewritten.target) : null;
    this.redirect = plan.action.kind === 'redirect' ? new Redirect(plan.action.to) : null;
    this.own = ownResponse(plan.action);
    this.ownBody = bodyTemplate(plan.action);
    this.ownContentType = plan.action.kind === 'respond' ? ascii(plan.action.contentType) : TEXT_PLAIN;
    this.requestEdit = HeaderEdit.of(plan.requestHeaders);
    this.responseEdit = HeaderEdit.of(plan.responseHeaders, true);
    // The configuration's check sees to it; a longer one would be written over the next slot.
    assert(this.responseEdit.appendix.length <= RESPONSE_EDIT_BYTES_MAX, 'response header changes too large');
    const ownBytes = this.own === null ? 0 : this.own.body.length + this.ownContentType.length;
    assert(ownBytes <= RESPOND_BODY_BYTES_MAX, 'fixed response too large');
    this.successEdit = successEdit(plan, this.responseEdit);
    this.hasLateBody = plan.action.kind === 'respond' && markLate(plan.action.body) !== plan.action.body;
    this.changes = ResponseChanges.of(plan.responseHeaders, [this.responseEdit, this.successEdit], this.hasLateBody);
    assert(this.successEdit.appendix.length <= RESPONSE_EDIT_BYTES_MAX, 'response header changes too large');
    this.send = this.proxy?.send === undefined ? null : new SentRequest(this.proxy.send);
    this.targetBy = this.proxy?.targetBy === undefined ? null : new TargetBy(this.proxy.targetBy);
    this.entry = this.proxy === null ? null : entryOf(this.proxy, watch !== null, prepare);
    this.ownCompression =
      plan.compress === undefined || plan.compress === null ? null : new CompressionRule(plan.compress);
    // what is rehearsed has no copies, as it has no guard
    this.mirrors = watch === null ? (this.proxy?.mirrors?.map((mirror) => new Mirror(mirror)) ?? null) : null;
    this.bandwidth = this.proxy?.bandwidth === undefined ? null : new BandwidthRule(this.proxy.bandwidth);
    this.passesClaims = this.proxy?.passesClaims === true;
    const adds = !this.passesClaims;
    this.addsForwardedFor = adds && !this.requestEdit.dropsName(X_FORWARDED_FOR);
    this.addsForwardedProto = adds && !this.requestEdit.dropsName(X_FORWARDED_PROTO);
    this.addsForwardedHost = adds && !this.requestEdit.dropsName(X_FORWARDED_HOST);
    this.addsRequestId = adds && !this.requestEdit.dropsName(X_REQUEST_ID);
    this.setsHost = this.requestEdit.dropsName(HOST);
    this.requestDropTable = requestDropTable(this, false);
    this.trustedDropTable = requestDropTable(this, true);
    const templates = [this.redirect?.template ?? null, this.ownBody?.template ?? null, this.responseEdit.template];
    const isKept = plan.responseHeaders.expires !== undefined;
    this.needsView =
      this.proxy !== null || isKept || templates.some((template) => template !== null && template.needsView);
    this.upstreamName = ascii(this.proxy === null ? '' : this.proxy.upstream);
    const rewrite = this.rewrite === null || this.proxy === null ? null : this.proxy.rewrite;
    this.rewriteGrowthMax = rewrite === null ? 0 : JSON.stringify(rewrite).length * 3;
    this.requestGrowthMax = this.rewriteGrowthMax + this.upstreamName.length;
  }

  /** What is answered in place of an error with this status; null: the error itself. */
  errorPageFor(status: number): ErrorPage<Route> | null {
    for (let i = 0; i < this.errors.length; i++)
      if (this.errors[i].plan.statuses.includes(status)) return this.errors[i];
    return null;
  }

  /** An error may be answered with something else. */
  get hasErrorPages(): boolean {
    return this.errors.length > 0;
  }

  /**
   * It is a route of a plan with these. An upstream that a later plan with the same route has too is the same object,
   * so that an exchange which began by an earlier one notices nothing.
   */
  bind(surroundings: Surroundings): void {
    const { action, steps } = this;
    const { accessLogs, compress } = this.plan;
    const { compression, isReady, logsOf, upstreams } = surroundings;
    this.logs = accessLogs === undefined ? null : logsOf(accessLogs);
    for (const { route } of this.errors) route?.bind(surroundings);
    for (const { route } of this.entry?.guard?.questions ?? []) route?.bind(surroundings);
    if (steps !== null) for (const route of steps.routes) route.bind(surroundings);
    if (action.kind === 'ready') this.own = isReady ? READY : DRAINED;
    if (action.kind !== 'proxy') return;
    this.passage = this.passageWith(compress === undefined ? compression : this.ownCompression);
    this.upstream = upstreams.get(action.upstream) ?? null;
    assert(this.upstream !== null, 'a plan has the upstreams of its routes');
  }

  private passageWith(compression: CompressionRule | null): PassageRules | null {
    const { bandwidth } = this;
    return compression === null && bandwidth === null ? null : { compression, bandwidth };
  }
}

/** `isWatched`: where it is only looked what would become of a request, nobody is asked about it. */
function entryOf(
  { guard: written, limits }: ProxyActionPlan,
  isWatched: boolean,
  prepare: (plan: RoutePlan) => Route,
): Entry<Route> | null {
  const guard = isWatched ? undefined : written;
  if (guard === undefined && limits === undefined) return null;
  return {
    limits: limits === undefined ? null : new RouteLimits(limits),
    guard: guard === undefined ? null : new Guard(guard, prepare),
  };
}

function bodyTemplate(action: ActionPlan): BodyTemplate | null {
  if (action.kind !== 'respond') return null;
  const body = new BodyTemplate(markLate(action.body), action.contentType);
  return body.template.isConstant && markLate(action.body) === action.body ? null : body;
}

function ownResponse(action: ActionPlan): OwnResponse | null {
  switch (action.kind) {
    case 'proxy':
      return null;
    case 'redirect':
      return fixed(action.status, '');
    case 'respond':
      return fixed(action.status, action.body);
    case 'close':
    case 'next':
      return CLOSED;
    case 'ready':
      return DRAINED;
  }
}

/** Never sent. */
const CLOSED: OwnResponse = { kind: NO_KIND, status: 444, reason: NOTHING, body: NOTHING };

function fixed(status: number, body: string): OwnResponse {
  return { kind: NO_KIND, status, reason: reasonOf(status), body: encodeUtf8(body) };
}

/** The edit of a response whose status is no error: `edit`, with what is only for such. */
function successEdit({ responseHeaders, successHeaders }: RoutePlan, edit: HeaderEdit): HeaderEdit {
  const { set, add } = successHeaders;
  if (set.length === 0 && add.length === 0) return edit;
  const names = new Set(set.map(([name]) => name.toLowerCase()));
  const kept = responseHeaders.set.filter(([name]) => !names.has(name.toLowerCase()));
  return new HeaderEdit({ ...responseHeaders, set: [...kept, ...set], add: [...responseHeaders.add, ...add] }, true);
}
