/** One `server` block as routes, without the hosts that they are for. */
import type { Place } from '../diagnostic.ts';
import { formatDuration } from '../units.ts';
import { absolutePrefix, plainAnswer } from './answers.ts';
import { type Condition, readCondition } from './conditions.ts';
import type { PlainMap } from './document.ts';
import { readRequestHeaders, readResponseHeaders } from './headers.ts';
import { type Draft, type Location, orderRoutes, readLocations, type ServerLocations } from './locations.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import { parseTarget, rewriteFor, type Target } from './pass.ts';
import { readReturn, type Answer } from './return.ts';
import { readRewrite } from './rewrite.ts';
import { Scope } from './scope.ts';
import type { Settings, Upstreams } from './upstreams.ts';
import { parseNginxSize, parseTime } from './values.ts';
import { type Constants, translateText } from './variables.ts';

/** What all servers of a file share. */
export interface Surroundings {
  readonly upstreams: Upstreams;
  /** Variables that a map makes of $http_upgrade. */
  readonly upgradeMaps: ReadonlySet<string>;
  readonly notes: Notes;
}

const ATTEMPTS_MAX = 16;
const UNLIMITED = '8191TiB';
const CONNECT_MS_MAX = 3_600_000;
const RESPONSE_MS_MAX = 576 * 3_600_000;

/** What the rewrite phase leaves of a block. */
interface Phase {
  /** Answers under a condition, in their order, then perhaps one without. */
  readonly drafts: Draft[];
  /** Everything is answered by now. */
  isOver: boolean;
  rewrite: { readonly regex: string; readonly to: string; readonly place: Place } | null;
  readonly constants: Map<string, string>;
}

export class ServerRoutes {
  private readonly server: Scope;
  private readonly port: number;
  private readonly constants: Constants;
  private readonly surroundings: Surroundings;
  private readonly notes: Notes;

  /** `port`: of the listener. */
  constructor(server: Scope, port: number, constants: Constants, surroundings: Surroundings) {
    this.server = server;
    this.port = port;
    this.constants = constants;
    this.surroundings = surroundings;
    this.notes = surroundings.notes;
  }

  build(place: Place): Draft[] {
    const phase = this.runRewritePhase(this.server, this.constants);
    if (phase.isOver) return phase.drafts;
    if (phase.rewrite !== null) {
      this.notes.notYet(
        phase.rewrite.place,
        '`rewrite` outside of a location',
        'there is nothing like it yet',
        'write it into the locations',
      );
    }
    const found = readLocations(this.server, this.notes);
    const all = [...phase.drafts, ...this.slashRedirects(found.locations)];
    all.push(...orderRoutes(found.locations, (location) => this.draftsOf(location, phase.constants, found)));
    if (!found.locations.some(({ kind, path }) => kind === 'prefix' && path === '/')) {
      all.push(...this.contentOf(this.server, null, place, phase, found));
    }
    return all;
  }

  // --- the rewrite phase ---

  private runRewritePhase(scope: Scope, outer: Constants): Phase {
    const phase: Phase = { drafts: [], isOver: false, rewrite: null, constants: new Map(outer) };
    for (const directive of scope.directives) {
      if (phase.isOver) break;
      if (directive.name === 'if') this.runIf(directive, scope, phase);
      else if (directive.name === 'return')
        this.answer(phase, scope, readReturn(directive, this.contextOf(phase)), directive.place, null);
      else if (directive.name === 'rewrite') this.runRewrite(directive, scope, phase);
      else if (directive.name === 'set') this.runSet(directive, phase);
    }
    return phase;
  }

  private contextOf(phase: Phase): { constants: Constants; port: number; server: Scope; notes: Notes } {
    return { constants: phase.constants, port: this.port, server: this.server, notes: this.notes };
  }

  private answer(phase: Phase, scope: Scope, answer: Answer | null, place: Place, match: PlainMap | null): void {
    if (match === null) phase.isOver = true;
    if (answer === null) return;
    const { response } = readResponseHeaders(scope, phase.constants, answer.status, this.notes);
    phase.drafts.push({
      place,
      route: {
        ...(match === null ? {} : { match }),
        ...answer.action(scope, response),
      },
    });
  }

  private runIf(directive: Directive, scope: Scope, phase: Phase): void {
    const refuse = (reason: string): void => {
      this.notes.notYet(
        directive.place,
        '`if`',
        reason,
        'use locations and servers instead, or keep nginx for this part',
      );
    };
    const inside = new Scope(`${scope.context}-if`, directive.block!, scope);
    const returned = directive.block!.find(({ name }) => name === 'return');
    if (
      returned === undefined ||
      directive.block!.some(({ name }) => !/^(return|add_header|access_log|default_type)$/.test(name))
    ) {
      refuse('only `return` is possible inside');
      return;
    }
    const condition: Condition = readCondition(directive);
    if (condition === null) refuse('its condition is not one that evenkeel has');
    else if (condition !== 'never') {
      const answer = readReturn(returned, this.contextOf(phase));
      this.answer(phase, inside, answer, directive.place, condition === 'always' ? null : condition.match);
    }
  }

  private runRewrite(directive: Directive, scope: Scope, phase: Phase): void {
    const found = readRewrite(directive, this.contextOf(phase));
    if (found === null) return;
    if ('answer' in found) {
      this.answer(phase, scope, found.answer, directive.place, null);
    } else if (phase.rewrite === null) {
      phase.rewrite = { ...found, place: directive.place };
    } else {
      this.notes.notYet(directive.place, 'a second `rewrite` in one block', 'there is nothing like it yet');
    }
  }

  private runSet({ args, place }: Directive, phase: Phase): void {
    const name = /^\$(\w+)$/.exec(args[0].text)?.[1];
    if (name === undefined) {
      this.notes.error(args[0].place, `invalid variable name "${args[0].text}"`, 'write it with a `$`');
      return;
    }
    const translated = translateText(args[1].text, phase.constants);
    if ('template' in translated) phase.constants.set(name, translated.template);
    else this.notes.notYet(place, `\`set ${args[0].text} "${args[1].text}"\``, translated.problem);
  }

  // --- a location ---

  private draftsOf(location: Location, outer: Constants, found: ServerLocations): readonly Draft[] {
    const { scope, place } = location;
    if (scope.own('internal').length > 0) return [{ place, route: plainAnswer(404) }];
    const phase = this.runRewritePhase(scope, outer);
    if (phase.isOver) return phase.drafts;
    return [...phase.drafts, ...this.contentOf(scope, location, place, phase, found)];
  }

  private contentOf(
    scope: Scope,
    location: Location | null,
    place: Place,
    phase: Phase,
    found: ServerLocations,
  ): Draft[] {
    const access = this.accessOf(scope);
    if (access === 'deny') return [{ place, route: plainAnswer(403) }];
    const [pass] = scope.own('proxy_pass');
    if (pass !== undefined) {
      const route = this.passRoute(pass, scope, location, phase);
      return route === null ? [] : [{ place: pass.place, route }];
    }
    if (phase.rewrite !== null) {
      this.notes.notYet(phase.rewrite.place, '`rewrite`', 'it is only possible beside `proxy_pass`');
    }
    return this.fileContent(scope, place, phase, found);
  }

  private accessOf(scope: Scope): 'allow' | 'deny' {
    const rules = ['allow', 'deny'].flatMap((name) => scope.own(name));
    let from: Scope | null = scope;
    while (rules.length === 0 && from.outer !== null) {
      from = from.outer;
      for (const name of ['allow', 'deny']) rules.push(...from.own(name));
    }
    if (rules.length === 0) return 'allow';
    const first = from.directives.find((directive) => rules.includes(directive))!;
    if (first.args[0].text === 'all') return first.name === 'deny' ? 'deny' : 'allow';
    this.notes.notYet(
      first.place,
      `\`${first.name} ${first.args[0].text}\``,
      'access rules are not there yet',
      'keep nginx for this part: without the rule everybody would come in',
    );
    return 'deny';
  }

  /** What nginx would answer from files. */
  private fileContent(scope: Scope, place: Place, phase: Phase, found: ServerLocations): Draft[] {
    const tried = scope.find('try_files');
    if (tried !== null && tried.args.length > 1) {
      const last = tried.args[tried.args.length - 1];
      const code = /^=([0-9]{3})$/.exec(last.text);
      if (last.text.startsWith('@')) {
        const target = found.named.get(last.text);
        this.notes.notYet(
          last.place,
          `\`try_files ... ${last.text}\``,
          target === undefined
            ? 'there is no such location'
            : 'what is in front of it could be files, which are not served yet',
          'write `proxy_pass` into this location, if there are no files',
        );
        return [];
      }
      this.notes.leftOut(
        tried.place,
        'try_files',
        'files are not served yet: what would be answered from files is 404',
      );
      if (code !== null) return [{ place, route: plainAnswer(Number(code[1])) }];
    } else {
      this.notes.leftOut(place, 'root', 'files are not served yet: what would be answered from files is 404');
    }
    const { response } = readResponseHeaders(scope, phase.constants, 404, this.notes);
    return [
      {
        place,
        route: { ...plainAnswer(404), ...(Object.keys(response).length === 0 ? {} : { headers: { response } }) },
      },
    ];
  }

  // --- proxy_pass ---

  private passRoute(pass: Directive, scope: Scope, location: Location | null, phase: Phase): PlainMap | null {
    const [{ text, place }] = pass.args;
    const target = parseTarget(text, phase.constants);
    if ('problem' in target) {
      if (target.isError === true) this.notes.error(place, target.problem, 'write http:// and a name or an address');
      else this.notes.notYet(place, `\`proxy_pass ${text}\``, target.problem);
      return null;
    }
    const { name, proxyHost, uri } = target;
    if (uri !== null && (location === null || location.kind === 'regex')) {
      const reason =
        '"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, or inside "if" statement, or inside "limit_except" block';
      this.notes.error(place, reason, 'leave the path out');
      return null;
    }
    const constants = new Map(phase.constants).set('proxy_host', proxyHost);
    const { edit, passesUpgrade } = readRequestHeaders(scope, constants, this.surroundings.upgradeMaps, this.notes);
    const { response, success } = readResponseHeaders(scope, constants, null, this.notes);
    const route: PlainMap = { upstream: this.surroundings.upstreams.use(name, this.settingsOf(scope), pass) };
    const rewrite = this.rewriteOf(location, uri, phase);
    if (rewrite !== null) route['rewrite'] = rewrite;
    const headers: PlainMap = {};
    if (Object.keys(edit).length > 0) headers['request'] = edit;
    if (Object.keys(response).length > 0) headers['response'] = response;
    if (Object.keys(success).length > 0) headers['success'] = success;
    if (Object.keys(headers).length > 0) route['headers'] = headers;
    if (!passesUpgrade) route['upgrade'] = false;
    route['limits'] = { body: this.bodySize(scope) };
    route['retry'] = this.retryOf(scope, target);
    return route;
  }

  private rewriteOf(location: Location | null, uri: string | null, phase: Phase): PlainMap | null {
    if (phase.rewrite !== null) {
      if (uri !== null) {
        const reason = 'beside a `proxy_pass` with a path it is not there yet';
        this.notes.notYet(phase.rewrite.place, '`rewrite`', reason, 'leave the path out of proxy_pass');
      }
      return { regex: phase.rewrite.regex, to: phase.rewrite.to };
    }
    if (uri === null || location === null || location.kind === 'regex') return null;
    return rewriteFor(location.kind, location.path, uri);
  }

  private settingsOf(scope: Scope): Settings {
    const connect = this.time(scope, 'proxy_connect_timeout', 60_000, CONNECT_MS_MAX);
    const read = this.time(scope, 'proxy_read_timeout', 60_000, RESPONSE_MS_MAX);
    const send = this.time(scope, 'proxy_send_timeout', 60_000, RESPONSE_MS_MAX);
    const bind = scope.find('proxy_bind');
    let source: string | null = null;
    if (bind !== null && bind.args[0].text !== 'off') {
      if (bind.args.length > 1 || bind.args[0].text.includes('$')) {
        this.notes.notYet(bind.place, '`proxy_bind` with a variable or `transparent`', 'there is nothing like it yet');
      } else source = bind.args[0].text;
    }
    return {
      timeouts: {
        connect: formatDuration(connect),
        response: formatDuration(Math.max(read, send)),
        tunnel: formatDuration(Math.max(read, send)),
      },
      bind: source,
      keepAlive: scope.argument('proxy_socket_keepalive')?.toLowerCase() === 'on',
    };
  }

  /** Of a directive in milliseconds, at least one. */
  private time(scope: Scope, name: string, otherwise: number, max: number): number {
    const directive = scope.find(name);
    if (directive === null) return otherwise;
    const ms = parseTime(directive.args[0].text);
    if (ms === null) {
      this.notes.error(directive.args[0].place, `"${name}" directive invalid value`, 'write for example 30s or 500ms');
      return otherwise;
    }
    return Math.min(Math.max(1, ms), max);
  }

  private bodySize(scope: Scope): string | number {
    const directive = scope.find('client_max_body_size');
    if (directive === null) return '1MiB';
    const bytes = parseNginxSize(directive.args[0].text, true);
    if (bytes === null) {
      this.notes.error(
        directive.args[0].place,
        '"client_max_body_size" directive invalid value',
        'write for example 10m',
      );
      return '1MiB';
    }
    return bytes === 0 ? UNLIMITED : bytes;
  }

  private retryOf(scope: Scope, { name }: Target): PlainMap {
    const directive = scope.find('proxy_next_upstream');
    const words = directive?.args ?? [];
    const on: (string | number)[] = [];
    let isOff = false;
    if (directive === null) on.push('connect', 'reset', 'timeout');
    for (const { text, place } of words) {
      if (text === 'error') on.push('connect', 'reset');
      else if (text === 'timeout') on.push('timeout');
      else if (text === 'non_idempotent') on.push('non-idempotent');
      else if (/^http_(50[0234]|429)$/.test(text)) on.push(Number(text.slice(5)));
      else if (text === 'off') isOff = true;
      else if (/^http_40[34]$/.test(text))
        this.notes.notYet(place, `\`proxy_next_upstream ${text}\``, 'there is nothing like it yet', 'leave it out');
      else if (text !== 'invalid_header' && text !== 'updating') {
        this.notes.error(place, `invalid value "${text}"`, 'write error, timeout, http_502 and the like, or off');
      }
    }
    const tries = Number(scope.argument('proxy_next_upstream_tries') ?? '0');
    const servers = this.surroundings.upstreams.serverCount(name);
    const attempts = isOff ? 1 : Math.min(ATTEMPTS_MAX, tries > 0 ? tries : Math.max(1, servers));
    return { attempts, on: isOff ? [] : [...new Set(on)] };
  }

  // --- /path to /path/ ---

  /** nginx sends who asks for `/path` to the location `/path/`, if that is passed on to a server. */
  private slashRedirects(locations: readonly Location[]): Draft[] {
    const drafts: Draft[] = [];
    for (const { kind, path, scope, place } of locations) {
      if (kind === 'regex' || path.length < 2 || !path.endsWith('/') || scope.own('proxy_pass').length === 0) continue;
      const without = path.slice(0, -1);
      if (locations.some((other) => other.kind !== 'regex' && other.path === without)) continue;
      const to = `${absolutePrefix(this.server, this.port)}${path}{query}`;
      drafts.push({ place, route: { match: { path: { exact: without } }, redirect: { to, status: 301 } } });
    }
    return drafts;
  }
}
