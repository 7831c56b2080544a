/** Routes: what they match, their steps, and what is done with a request. */
import type { SourcePlan } from '../words/template.ts';
import type { CompressPlan, HeaderEditPlan } from './response.ts';
import type { LimitsPlan } from './limits.ts';

export type StepPlan =
  | { readonly kind: 'set'; readonly name: string; readonly value: string }
  | { readonly kind: 'if'; readonly test: TestPlan; readonly steps: readonly StepPlan[] }
  | RewriteStepPlan
  /** The steps up to the next `find` are left out, or all that follow; a rewritten target stays in this route. */
  | { readonly kind: 'stop' }
  /** What follows is not for a request whose target is another one now, or that calls another route: its steps end here. */
  | { readonly kind: 'find' }
  /** The request takes this route, whose match and steps are empty. */
  | { readonly kind: 'take'; readonly route: RoutePlan }
  /** When the steps are done, the request goes on with this route. */
  | { readonly kind: 'call'; readonly name: string };

export interface RewriteStepPlan {
  readonly kind: 'rewrite';
  /** Of the decoded path. Where it does not match, the next step follows. */
  readonly regex: string;
  /** Path and query, a template. The request's query is added, unless it ends in `?`. */
  readonly to: string;
  readonly end: 'next' | 'again' | 'stop';
  /** What the request takes instead; null: it gets the target. */
  readonly take: RoutePlan | null;
}

/** Without `is` and `regex`: the value is neither empty nor `0`. */
export interface TestPlan {
  readonly value: string;
  readonly is: string | null;
  readonly regex: string | null;
  readonly isNegated: boolean;
}

export interface RoutePlan {
  /** Not null: it is only taken by steps that call it. */
  readonly name: string | null;
  readonly steps: readonly StepPlan[];
  /** What is answered in place of an error: the first that has its status. */
  readonly errors: readonly ErrorPagePlan[];
  /** It is only taken by a request whose target is not the one that was sent. */
  readonly isInternal: boolean;
  /** How long its requests take is counted. */
  readonly isTimed?: true;
  readonly match: MatchPlan;
  readonly action: ActionPlan;
  readonly requestHeaders: HeaderEditPlan;
  readonly responseHeaders: HeaderEditPlan;
  /** How its responses are compressed; null: they are not. Without it as the listener says. */
  readonly compress?: CompressPlan | null;
  /** By name. Without it the listener's. */
  readonly accessLogs?: readonly string[];
  /** Of a server's response with a status that is no error, besides. */
  readonly successHeaders: Pick<HeaderEditPlan, 'set' | 'add'>;
}

export interface MatchPlan {
  /** Lower-case names without port; `*.x` matches every name under x but not x. Empty: any host. */
  readonly hosts: readonly string[];
  readonly path: PathMatchPlan | null;
  /** Upper-case tokens. Empty: any. */
  readonly methods: readonly string[];
  /** All must hold. */
  readonly values: readonly ValueMatchPlan[];
}

export type PathMatchPlan =
  | { readonly kind: 'prefix'; readonly value: string }
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'regex'; readonly value: string };

/** What one value of the request must be. Query parameters are compared decoded. */
export type ValueMatchPlan =
  | { readonly source: SourcePlan; readonly kind: 'present' | 'absent' }
  | { readonly source: SourcePlan; readonly kind: 'exact' | 'prefix' | 'regex'; readonly value: string };

export type ActionPlan =
  | ProxyActionPlan
  | RedirectActionPlan
  | RespondActionPlan
  | ReadyActionPlan
  | CloseActionPlan
  | NextActionPlan;

export interface ProxyActionPlan {
  readonly kind: 'proxy';
  /** By its name: what a route says is the same wherever in a plan its upstream stands. */
  readonly upstream: string;
  readonly rewrite: RewritePlan | null;
  /** Whole exchange, request head to end of response, retries included. 0: no limit. */
  readonly timeoutMs: number;
  readonly retry: RetryPlan;
  /** An Upgrade is passed on. */
  readonly upgrade: boolean;
  /** A small body goes on as it comes, too. */
  readonly streamsBodies?: true;
  /** Of a request's body. Null: the listener's. */
  readonly bodyBytes: number | null;
  /** What a client says of itself goes to servers, and nothing of ours is added. */
  readonly passesClaims: boolean;
  /** `errors` are for what servers answer too. */
  readonly interceptsErrors: boolean;
  /** What servers are sent in place of what the client sent. */
  readonly send?: SendPlan;
  /** A response may say where its request goes on instead. */
  readonly targetBy?: TargetByPlan;
  readonly limits?: LimitsPlan;
  readonly guard?: GuardPlan;
  readonly bandwidth?: BandwidthPlan;
  readonly mirrors?: readonly MirrorPlan[];
}

/** Copies of requests, which go elsewhere as well. */
export interface MirrorPlan {
  readonly to: { readonly kind: 'call'; readonly name: string } | { readonly kind: 'target'; readonly target: string };
  /** Of the requests, in hundredths of a percent. */
  readonly share: number;
  readonly takesBody: boolean;
}

/** How fast bodies of responses go to clients. */
export interface BandwidthPlan {
  /** Bytes in a second, as a template: a number, perhaps with k, m or g; 0, or what is none: as fast as it goes. */
  readonly rate: string;
  /** Bytes of each response that are not counted, likewise. */
  readonly after: string;
  /** A response with this field says the rate itself. Null: none does. */
  readonly field: string | null;
}

/** Who is asked whether a request may go to the server. */
export interface GuardPlan {
  /** In this order. At least one. */
  readonly questions: readonly QuestionPlan[];
  /** One yes lets it in; else all have to say so. */
  readonly isAnyEnough: boolean;
  /** Who is refused with 401 waits so long for it. */
  readonly delayMs: number;
}

export interface QuestionPlan {
  readonly to: PlacePlan;
  /** Values that the request gets: by name, templates with values of the answer in them. */
  readonly set: readonly (readonly [name: string, text: string])[];
  /** The client is refused with a status of these. Any other one that is not 2xx lets nobody in either: then the client gets 500. */
  readonly refusals: readonly number[];
}

/** Where a request goes on inside of the proxy. */
export type PlacePlan =
  | { readonly kind: 'call'; readonly name: string }
  /** A template. */
  | { readonly kind: 'target'; readonly target: string }
  | { readonly kind: 'take'; readonly route: RoutePlan };

export interface SendPlan {
  /** Null: the client's, and so is HEAD in any case. */
  readonly method: string | null;
  /** Of the client's fields only Host, and those that frame the body. */
  readonly dropsFields: boolean;
  readonly dropsBody: boolean;
  /** In place of the body, a template. Null: nothing is. */
  readonly text: string | null;
}

export interface TargetByPlan {
  readonly field: string;
  /** What it may say besides a target: the names of routes, by text. */
  readonly calls: readonly (readonly [text: string, name: string])[];
}

export type RewritePlan =
  /** Replaces what the route's prefix (or exact path) matched. */
  | { readonly kind: 'prefix'; readonly value: string }
  /** Replaces the whole path; the query stays. */
  | { readonly kind: 'path'; readonly value: string }
  /** As ECMAScript's `path.replace(new RegExp(regex), to)`; the query stays. */
  | { readonly kind: 'regex'; readonly regex: string; readonly to: string }
  /** Replaces path and query: as of a step. */
  | { readonly kind: 'target'; readonly target: string };

export interface RetryPlan {
  /** Tries in all, the first included: 1 is no retry. */
  readonly attempts: number;
  /** Another server is tried when the connection cannot be made. */
  readonly connect: boolean;
  /** ... when the connection ends before the first byte of a response. */
  readonly reset: boolean;
  /** ... when the response does not begin in time. */
  readonly timeout: boolean;
  /** ... when the response has one of these status codes (500..599, 429, 403, 404). */
  readonly statuses: readonly number[];
  /** ... when a call of gRPC is answered with one of these statuses of its own (1 to 16), and nothing else, whatever its method. Absent: none. */
  readonly grpcStatuses?: readonly number[];
  /** Also methods that are not idempotent (RFC 9110 section 9.2.2), once something of them was sent. */
  readonly nonIdempotent: boolean;
}

export interface RedirectActionPlan {
  readonly kind: 'redirect';
  readonly status: 301 | 302 | 303 | 307 | 308;
  /** Location, with values of the request in it (config/words/template.ts). */
  readonly to: string;
}

export interface RespondActionPlan {
  readonly kind: 'respond';
  readonly status: number;
  /** With values of the request in it. */
  readonly body: string;
  readonly contentType: string;
}

/** Says whether this node takes clients. */
export interface ReadyActionPlan {
  readonly kind: 'ready';
}

/** When the steps are done, the request takes the next route that matches. */
export interface NextActionPlan {
  readonly kind: 'next';
}

/** The connection ends without an answer. */
export interface CloseActionPlan {
  readonly kind: 'close';
}

export interface ErrorPagePlan {
  readonly statuses: readonly number[];
  readonly to: PlacePlan;
  /** What the client is told: this, `own`: what the page has, or null: the error's. */
  readonly answer: number | 'own' | null;
  /** There is no such file, which is no error: what follows may end in one, and have a page for it. */
  readonly goesOn?: true;
}
