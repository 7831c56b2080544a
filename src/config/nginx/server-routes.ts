/** One `server` block as routes, without the hosts that they are for. */
import type { Place } from '../findings/diagnostic.ts';
import { formatDuration } from '../words/units.ts';
import { absolutePrefix, type Front, plainAnswer } from './answers.ts';
import { readBandwidth } from './bandwidth.ts';
import { exceptionStep, readAccess } from './access.ts';
import { readAuth } from './auth.ts';
import { type AccessLogs, oneOrMore } from './access-log.ts';
import type { Gzip } from './gzip.ts';
import { type FileQuestions, readCondition } from './conditions.ts';
import type { DocumentBuilder, PlainMap } from './document.ts';
import { isIgnored, readRequestHeaders, readResponseHeaders } from './headers.ts';
import { type Draft, type Location, orderRoutes, readLocations, type ServerLocations } from './locations.ts';
import type { NamedValues } from './named-values.ts';
import { readErrorPages } from './error-pages.ts';
import { type Assignments, clientsVariable } from './forgery.ts';
import { aliasedFile, documentRoot, readFiles, standardFiles, type TypeTables } from './files.ts';
import type { LimitZones } from './limits.ts';
import { readHealthCheck } from './health-check.ts';
import { readMirror } from './mirror.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import { moduleOf, parseGrpcTarget, parseTarget, type PassModule, rewriteFor, type Target } from './pass.ts';
import { readServersTls } from './proxy-ssl.ts';
import { readSent } from './sent.ts';
import { readReplacements } from './redirects.ts';
import { readResolver } from './resolver.ts';
import { readReturn, type Answer, type AnswerContext } from './return.ts';
import { readRewrite } from './rewrite.ts';
import { Scope } from './scope.ts';
import { putTexts, settledSets } from './settled-sets.ts';
import type { Settings, Upstreams } from './upstreams.ts';
import { parseNginxSize, parseTime } from './values.ts';
import { type Constants, hasVariables, translateText } from './variables.ts';

/** What all servers of a file share. */
export interface Surroundings {
  readonly document: DocumentBuilder;
  readonly upstreams: Upstreams;
  /** Variables that a map makes of $http_upgrade. */
  readonly upgradeMaps: ReadonlySet<string>;
  readonly limits: LimitZones;
  readonly values: NamedValues;
  readonly logs: AccessLogs;
  readonly gzip: Gzip;
  /** What its variables may be. */
  readonly assignments: Assignments;
  /** Those that the file makes. */
  readonly variables: Constants;
  /** Of Content-Type. */
  readonly tables: TypeTables;
  /** Where relative paths begin. */
  readonly prefix: string;
  /** For names: another one each time. */
  nextNumber(): number;
  readonly notes: Notes;
}

const ATTEMPTS_MAX = 16;
const UNLIMITED = '8191TiB';
const CONNECT_MS_MAX = 3_600_000;
const RESPONSE_MS_MAX = 576 * 3_600_000;

/** Directives of the rewrite phase: a block of others is content. */
const REWRITING: ReadonlySet<string> = new Set(['set', 'rewrite', 'return', 'break', 'if']);

/** What the rewrite phase of a block does. */
interface Phase {
  /** In their order; the last one of one that is over answers. */
  readonly steps: PlainMap[];
  /** Everything is answered by now. */
  isOver: boolean;
  /** It may have given the request another target. */
  hasMoved: boolean;
  /** A `break` may go around what answers. */
  canStop: boolean;
}

export class ServerRoutes {
  private readonly server: Scope;
  private readonly front: Front;
  private readonly constants: Constants;
  private readonly surroundings: Surroundings;
  private readonly notes: Notes;
  /** Routes that steps call. */
  private readonly called: Draft[] = [];
  /** Of the routes that named locations become, by their names in the file; and those that somebody calls. */
  private readonly names = new Map<string, string>();
  private readonly wanted = new Set<string>();
  /** Blocks of `if` that are to become such routes. */
  private readonly pending: { readonly name: string; readonly scope: Scope; readonly directive: Directive }[] = [];

  /** `front`: the listener's. */
  constructor(server: Scope, front: Front, constants: Constants, surroundings: Surroundings) {
    this.server = server;
    this.front = front;
    this.constants = constants;
    this.surroundings = surroundings;
    this.notes = surroundings.notes;
  }

  build(place: Place): Draft[] {
    const found = readLocations(this.server, this.notes);
    for (const name of found.named.keys()) this.names.set(name, this.nameFor(name.slice(1)));
    const { errors: pages } = this.errorsOf(this.server, 'certificates') as { errors?: readonly PlainMap[] };
    const drafts = this.draftsOfAll(place, found);
    if (pages === undefined) return drafts;
    return drafts.map(({ place: at, route }) => {
      const errors = (route['errors'] ?? []) as readonly PlainMap[];
      return { place: at, route: Object.assign({}, route, { errors: [...pages, ...errors] }) };
    });
  }

  private draftsOfAll(place: Place, found: ServerLocations): Draft[] {
    const phase = this.runRewritePhase(this.server);
    if (this.surroundings.variables.has('server_name'))
      phase.steps.unshift({ set: { server_name: this.constants.get('server_name') } });
    const first: Draft[] = phase.steps.length === 0 ? [] : [{ place, route: { steps: phase.steps } }];
    if (phase.isOver && !phase.canStop) return [{ place, route: routeOf(phase) }, ...this.called];
    first.push(...this.slashRedirects(found.locations));
    first.push(...orderRoutes(found.locations, (location) => this.draftsOf(location, found)));
    if (!found.locations.some(({ kind, path }) => kind === 'prefix' && path === '/')) {
      const empty = { steps: [], isOver: false, hasMoved: false, canStop: false };
      first.push(...this.contentOf(this.server, null, place, empty, found));
    }
    for (const [name, location] of found.named) {
      if (!this.wanted.has(name)) continue;
      for (const { route, place: at } of this.draftsOf({ ...location, kind: 'named' }, found)) {
        this.called.push({ place: at, route: { name: this.names.get(name), ...route } });
      }
    }
    return [...first, ...this.called];
  }

  // --- the rewrite phase ---

  /** `directives`: of its block. */
  private runRewritePhase(scope: Scope, directives = scope.directives): Phase {
    const phase: Phase = { steps: [], isOver: false, hasMoved: false, canStop: false };
    for (const directive of directives) {
      if (phase.isOver) break;
      if (directive.name === 'if') this.runIf(directive, scope, phase);
      else this.runStep(directive, scope, phase);
    }
    return phase;
  }

  /** What may also stand in an `if`. */
  private runStep(directive: Directive, scope: Scope, phase: Phase): void {
    switch (directive.name) {
      case 'return': {
        const answer = readReturn(directive, this.context);
        phase.isOver = true;
        if (answer !== null) phase.steps.push({ take: this.answerIn(scope, answer) });
        return;
      }
      case 'rewrite': {
        const step = readRewrite(directive, this.context, (answer) => this.answerIn(scope, answer));
        if (step === null) return;
        phase.hasMoved ||= (step['rewrite'] as PlainMap)['take'] === undefined;
        phase.canStop ||= (step['rewrite'] as PlainMap)['end'] === 'stop';
        phase.steps.push(step);
        return;
      }
      case 'set':
        this.runSet(directive, phase);
        return;
      case 'break':
        phase.canStop = true;
        phase.steps.push({ stop: true });
        return;
    }
  }

  private get context(): AnswerContext {
    const { values } = this.surroundings;
    return { constants: this.constants, front: this.front, values, notes: this.notes };
  }

  private answerIn(scope: Scope, answer: Answer): PlainMap {
    const { response } = readResponseHeaders(scope, this.constants, answer.status, this.notes);
    const route = answer.action(scope, response);
    return this.settled(scope, answer.isPage ? { ...route, ...this.errorsOf(scope, answer.status) } : route);
  }

  /** The route with the access logs and the compression of this block, where those are not the listener's. */
  private settled(scope: Scope, route: PlainMap): PlainMap {
    const { gzip, logs } = this.surroundings;
    const names = logs.namesFor(scope);
    const compress = gzip.in(scope);
    const isAsUsual = JSON.stringify(compress) === JSON.stringify(this.front.compress);
    const isServed = route['upstream'] !== undefined || route['files'] !== undefined;
    return {
      ...route,
      ...(names.join() === this.front.logs.join() ? {} : { 'access-log': oneOrMore(names) }),
      ...(isAsUsual || !isServed ? {} : { compress: compress ?? false }),
    };
  }

  /** The keys of a route that can end in an error; `only`: as of `readErrorPages`. */
  private errorsOf(scope: Scope, only: number | 'errors' | 'certificates' = 'errors'): PlainMap {
    const errors = readErrorPages(scope, this.constants, this.nameOf, this.notes, only);
    return errors.length === 0 ? {} : { errors };
  }

  /** Of the route that a named location becomes. */
  private readonly nameOf = (name: string): string | null => {
    this.wanted.add(name);
    return this.names.get(name) ?? null;
  };

  private runIf(directive: Directive, scope: Scope, phase: Phase): void {
    const found = readCondition(directive, this.constants, this.fileQuestionsOf(scope));
    if ('error' in found) {
      this.notes.error(directive.place, found.error, 'write for example ($request_method = POST)');
      return;
    }
    if ('problem' in found) {
      this.notes.notYet(directive.place, '`if`', found.problem, 'leave it out, or keep nginx for this part');
      return;
    }
    const block = directive.block ?? [];
    const inside = new Scope(`${scope.context}-if`, block, scope);
    const inner: Phase = { steps: [], isOver: false, hasMoved: false, canStop: false };
    for (const one of block) if (!inner.isOver) this.runStep(one, inside, inner);
    phase.hasMoved ||= inner.hasMoved;
    phase.canStop ||= inner.canStop;
    const hasContent = block.some(({ name }) => !REWRITING.has(name));
    if (hasContent && !inner.isOver && scope.context === 'location') {
      const name = this.nameFor('if');
      this.pending.push({ name, scope: inside, directive });
      inner.steps.push({ call: name });
    }
    phase.steps.push({ if: found.condition, do: inner.steps });
  }

  private fileQuestionsOf(scope: Scope): FileQuestions {
    const { prefix, values } = this.surroundings;
    return {
      root: documentRoot(scope, prefix),
      valueOf: (kind, path) => `{value:${values.addOwn(kind, { [kind]: path })}}`,
    };
  }

  private runSet({ args, place }: Directive, phase: Phase): void {
    const name = /^\$(\w+)$/.exec(args[0].text)?.[1];
    if (name === undefined) {
      this.notes.error(args[0].place, `invalid variable name "${args[0].text}"`, 'write it with a `$`');
      return;
    }
    if (this.constants.get(name) !== `{value:${name}}`) return;
    const translated = translateText(args[1].text, this.constants);
    if ('template' in translated) phase.steps.push({ set: { [name]: translated.template } });
    else this.notes.notYet(place, `\`set ${args[0].text} "${args[1].text}"\``, translated.problem);
  }

  /** A name for a route that steps call. */
  private nameFor(wanted: string): string {
    return `${wanted}-${this.surroundings.nextNumber()}`;
  }

  // --- a location ---

  private draftsOf(location: Location, found: ServerLocations): readonly Draft[] {
    const { scope } = location;
    if (scope.find('internal') !== null) {
      const keys = { internal: true, ...this.errorsOf(scope) };
      return this.draftsInside(location, found).map(({ place, route }) => ({ place, route: { ...keys, ...route } }));
    }
    return this.draftsInside(location, found);
  }

  private draftsInside(location: Location, found: ServerLocations): readonly Draft[] {
    const { scope, place } = location;
    const phase = this.runRewritePhase(scope);
    const exception = exceptionStep(scope);
    if (exception !== null && phase.steps.length > 0) {
      phase.steps.unshift(exception);
      phase.canStop = true;
    }
    const captures = this.capturesOf(location);
    if (captures !== null) phase.steps.unshift(captures);
    if (phase.isOver && !phase.canStop) {
      // what an `if` has chosen answers the same in its own way
      if (this.pending.length > 0) phase.steps.splice(-1, 0, { find: true });
      for (const { name, scope: inside, directive } of this.pending.splice(0)) {
        const rest = this.runRewritePhase(inside, scope.directives.slice(scope.directives.indexOf(directive) + 1));
        const steps = rest.steps.slice(-1);
        this.called.push({ place: directive.place, route: { name, ...routeOf({ ...rest, steps, hasMoved: false }) } });
      }
      return [{ place, route: routeOf(phase) }];
    }
    const drafts = this.contentOf(scope, location, place, phase, found);
    for (const { name, scope: inside, directive } of this.pending.splice(0)) {
      const at = directive.place;
      const empty = { steps: [], isOver: false, hasMoved: false, canStop: false };
      for (const { route } of this.contentOf(inside, location, at, empty, found)) {
        this.called.push({ place: at, route: { name, ...route } });
      }
    }
    return drafts;
  }

  /** Groups of the location's expression are captured where something in it uses them. */
  private capturesOf({ kind, path, decoded = path, scope }: Location): PlainMap | null {
    return kind === 'regex' ? captureStep('{decoded-path}', decoded, scope) : null;
  }

  private contentOf(
    scope: Scope,
    location: Location | null,
    place: Place,
    phase: Phase,
    found: ServerLocations,
  ): Draft[] {
    const later: PlainMap[] = [];
    const access = readAccess(scope, this.surroundings.values, this.notes);
    const auth = readAuth(scope, this.constants, this.notes);
    const isAny = auth !== null && access !== null && scope.argument('satisfy') === 'any';
    if (access !== null && access !== 'allow' && !isAny) {
      const refused = this.answerIn(scope, {
        status: 403,
        isPage: true,
        action: (_, response) => withResponse(plainAnswer(403), response),
      });
      if (access === 'deny') later.push({ take: refused });
      else later.push({ if: access, do: [{ take: refused }] });
    }
    const pass = passOf(scope);
    const route =
      pass === undefined
        ? null
        : (this.chooseRoute(pass, scope, location) ??
          this.passRoute(pass, putTexts(pass.args[0].text, settledSets(scope)), scope, location));
    later.push(...((route?.['steps'] ?? []) as PlainMap[]));
    if (pass !== undefined && route === null) return [];
    const [tried] = scope.own('try_files');
    if (pass !== undefined && tried !== undefined)
      this.notes.notYet(
        tried.place,
        `\`try_files\` beside \`${pass.name}\``,
        'nginx would ask the server for the file that it has found',
        `write \`try_files $uri @servers\` here, and \`${pass.name}\` in \`location @servers\``,
      );
    const at = pass?.place ?? place;
    const content = this.settled(scope, route ?? this.fileContent(scope, place, auth !== null, found));
    const guarded = auth === null || (isAny && access === 'allow') ? content : this.guarded(content, auth, at);
    if (isAny && typeof access !== 'string') {
      const { steps: _, ...open } = content;
      later.push({ if: { value: access['value'], 'is-not': access['is'] }, do: [{ take: open }] });
    }
    const drafts = [{ place: at, route: { ...guarded, ...stepsOf(joined(phase, later)) } }];
    const file =
      location?.scope === scope && content['files'] !== undefined
        ? aliasedFile(location, content['files'] as PlainMap)
        : null;
    if (file === null) return drafts;
    const [{ route: whole }] = drafts;
    return [{ place: at, route: { match: { path: { exact: location!.path } }, ...whole, files: file } }, ...drafts];
  }

  /** The route with whom it asks who may enter. */
  private guarded(route: PlainMap, auth: PlainMap, place: Place): PlainMap {
    if (route['upstream'] !== undefined || route['files'] !== undefined) return { ...route, auth };
    this.notes.notYet(place, '`auth_request`', 'where a variable of `proxy_pass` says where to, or nothing is there');
    return route;
  }

  /** What nginx would answer from files. `isGuarded`: nobody learns that there are none without having been let in. */
  private fileContent(scope: Scope, place: Place, isGuarded: boolean, found: ServerLocations): PlainMap {
    const locations = [...found.locations, ...found.named.values()];
    const context = {
      constants: this.constants,
      prefix: this.surroundings.prefix,
      locationOf: (wanted: Scope) => locations.find((location) => location.scope === wanted) ?? null,
      nameOf: this.nameOf,
      tables: this.surroundings.tables,
      notes: this.notes,
    };
    const files = readFiles(scope, context) ?? (isGuarded ? standardFiles(scope, context) : null);
    if (files !== null) {
      const { response, success } = readResponseHeaders(scope, this.constants, 'files', this.notes);
      const base = absolutePrefix(scope, this.front);
      if (base !== '') response['replace'] = [{ field: 'Location', prefix: '/', by: '/', base }];
      const headers: PlainMap = {};
      if (Object.keys(response).length > 0) headers['response'] = response;
      if (Object.keys(success).length > 0) headers['success'] = success;
      const limits = this.surroundings.limits.of(scope);
      const route: PlainMap = {
        files,
        ...(Object.keys(headers).length > 0 ? { headers } : {}),
        ...(Object.keys(limits).length > 0 ? { limits } : {}),
        ...readBandwidth(scope, this.constants, this.notes),
        ...readMirror(scope, this.notes),
      };
      return { ...route, ...this.errorsOf(scope) };
    }
    // Its handler may be what was wrong.
    if (!this.notes.isLacking(scope.directives) && scope.find('root') === null && scope.find('alias') === null)
      this.notes.leftOut(place, 'root', 'without it there are no files: what would be answered from files is 404');
    const { response } = readResponseHeaders(scope, this.constants, 404, this.notes);
    return { ...withResponse(plainAnswer(404), response), ...this.errorsOf(scope) };
  }

  // --- proxy_pass and grpc_pass ---

  /** Where a variable says where to: a step for each text that it can be. Null: it is no such variable, or that is not known. */
  private chooseRoute(pass: Directive, scope: Scope, location: Location | null): PlainMap | null {
    const text = putTexts(pass.args[0].text, settledSets(scope));
    const found = /^((?:http|grpcs?):\/\/)?\$\{?(\w+)\}?(\$\{?request_uri\}?)?$/.exec(text);
    if (found === null || this.constants.get(found[2]) !== `{value:${found[2]}}`) return null;
    const [, scheme = '', variable, rest = ''] = found;
    const choices = this.surroundings.values.choicesOf(variable);
    if (choices === null || choices.length === 0) return null;
    const steps: PlainMap[] = [];
    for (const choice of choices) {
      const route = this.passRoute(pass, `${scheme}${choice}${rest}`, scope, location);
      if (route === null) continue;
      steps.push({ if: { value: `{value:${variable}}`, is: choice }, do: [{ take: this.settled(scope, route) }] });
    }
    // nginx finds no host in an empty text
    return { steps, ...plainAnswer(500), ...this.errorsOf(scope) };
  }

  private passRoute(pass: Directive, text: string, scope: Scope, location: Location | null): PlainMap | null {
    const [{ place }] = pass.args;
    const module = moduleOf(pass);
    const isVariable = hasVariables(pass.args[0].text);
    const parse = module === 'grpc' ? parseGrpcTarget : parseTarget;
    const target = parse(text, this.constants, isVariable);
    if ('problem' in target) {
      const scheme = module === 'grpc' ? 'grpc' : 'http';
      if (target.isError === true)
        this.notes.error(place, target.problem, `write ${scheme}:// and a name or an address`);
      else this.notes.notYet(place, `\`${pass.name} ${text}\``, target.problem);
      return null;
    }
    if (
      module === 'grpc' &&
      !target.isByRequest &&
      !this.surroundings.upstreams.has(target.name) &&
      !hasPort(target.name)
    )
      this.notes.error(place, `no port in upstream "${target.name}"`, 'write it behind a colon');
    const { proxyHost, proxyPort, uri, target: sent } = target;
    const isInIf = scope.context === 'location-if' && scope.own('proxy_pass').length > 0;
    if (uri !== null && (location === null || location.kind === 'regex' || location.kind === 'named' || isInIf)) {
      const reason =
        '"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, or inside "if" statement, or inside "limit_except" block';
      this.notes.error(place, reason, 'leave the path out');
      return null;
    }
    const constants = new Map(this.constants).set('proxy_host', proxyHost).set('proxy_port', proxyPort);
    const { edit, passesUpgrade } = readRequestHeaders(
      scope,
      module,
      constants,
      this.surroundings.upgradeMaps,
      this.notes,
    );
    const { response, success } = readResponseHeaders(scope, constants, module, this.notes);
    const passed = {
      url: isVariable ? pass.args[0].text : text,
      hasPath: uri !== null,
      location,
      constants,
      base: absolutePrefix(scope, this.front),
    };
    if (module === 'proxy') Object.assign(response, readReplacements(scope, passed, this.notes));
    const route: PlainMap = { upstream: this.upstreamOf(target, scope, pass) };
    const rewrite = sent === null ? this.rewriteOf(location, uri) : { target: sent };
    if (rewrite !== null) route['rewrite'] = rewrite;
    const headers: PlainMap = {};
    if (Object.keys(edit).length > 0) headers['request'] = edit;
    if (Object.keys(response).length > 0) headers['response'] = response;
    if (Object.keys(success).length > 0) headers['success'] = success;
    if (Object.keys(headers).length > 0) route['headers'] = headers;
    if (!passesUpgrade) route['upgrade'] = false;
    if (!isBuffered(scope, module)) route['request-buffering'] = false;
    route['limits'] = { body: this.bodySize(scope), ...this.surroundings.limits.of(scope) };
    Object.assign(route, readBandwidth(scope, constants, this.notes, module), readMirror(scope, this.notes));
    const send = module === 'proxy' ? readSent(scope, constants, this.notes) : null;
    if (send !== null) route['send'] = send;
    route['retry'] = this.retryOf(scope, module, target);
    if (!isIgnored(scope, module, 'x-accel-redirect')) route['target-by'] = this.targetBy;
    Object.assign(route, this.errorsOf(scope));
    const isIntercepting = scope.argument(`${module}_intercept_errors`)?.toLowerCase() === 'on';
    if (isIntercepting && route['errors'] !== undefined) route['intercept'] = true;
    return route;
  }

  /** A response may lead to any location, and to those with a name by that. */
  private get targetBy(): PlainMap {
    const calls = Object.fromEntries(Array.from(this.names.keys(), (name) => [name, this.nameOf(name)]));
    return { field: 'X-Accel-Redirect', ...(this.names.size === 0 ? {} : { calls }) };
  }

  private upstreamOf(target: Target, scope: Scope, pass: Directive): string {
    const { upstreams } = this.surroundings;
    const settings = this.settingsOf(scope, moduleOf(pass), target);
    if (!target.isByRequest) {
      // A name that a variable has is asked of the file's resolver, also where the file says all that it can be.
      const isAsked = hasVariables(pass.args[0].text) && upstreams.isHostName(target.name);
      const asked = isAsked ? readResolver(scope, this.notes) : null;
      if (isAsked && asked === null) {
        const reason = `nginx would answer 502: without a \`resolver\` it looks \`${target.name}\` up nowhere, while here the system's is asked`;
        this.notes.trap(pass.args[0].place, reason, 'write a `resolver`, or the name without a variable');
      }
      return upstreams.use(target.name, settings, pass, asked);
    }
    const resolver = readResolver(scope, this.notes);
    const clients = clientsVariable(pass.args[0].text, this.surroundings.assignments);
    if (clients !== null) {
      const reason = `with \`${clients}\` a client says which server it is connected to, also one that only this machine reaches`;
      this.notes.trap(pass.args[0].place, reason, 'let a `map` say which servers there are');
    }
    if (resolver === null) {
      const reason = 'without a `resolver` only addresses and the names of `upstream` blocks lead somewhere';
      this.notes.trap(pass.args[0].place, reason, 'write a `resolver`, if names were meant to');
    }
    const wanted = `by-${pass.args[0].text.replace(/^\w+:\/\//, '')}`;
    return upstreams.useByRequest(target.name, wanted, settings, resolver, pass);
  }

  private rewriteOf(location: Location | null, uri: string | null): PlainMap | null {
    if (uri === null || location === null || location.kind === 'regex' || location.kind === 'named') return null;
    return rewriteFor(location.kind, location.path, uri);
  }

  private settingsOf(scope: Scope, module: PassModule, { isByRequest, isTls, proxyHost }: Target): Settings {
    const { document } = this.surroundings;
    const connect = this.time(scope, `${module}_connect_timeout`, 60_000, CONNECT_MS_MAX);
    const read = this.time(scope, `${module}_read_timeout`, 60_000, RESPONSE_MS_MAX);
    // one time for both directions: without a time of its own, what is sent has that of what is read
    const silence = Math.max(read, this.time(scope, `${module}_send_timeout`, 0, RESPONSE_MS_MAX));
    const bind = scope.find(`${module}_bind`);
    let source: string | null = null;
    if (bind !== null && bind.args[0].text !== 'off') {
      if (bind.args.length > 1 || bind.args[0].text.includes('$')) {
        this.notes.notYet(
          bind.place,
          `\`${module}_bind\` with a variable or \`transparent\``,
          'there is nothing like it yet',
        );
      } else source = bind.args[0].text;
    }
    return {
      timeouts: {
        connect: formatDuration(connect),
        response: formatDuration(silence),
        tunnel: formatDuration(silence),
      },
      bind: source,
      tls: isTls ? readServersTls(scope, module, isByRequest ? null : proxyHost, document, this.notes) : null,
      health: isByRequest ? null : readHealthCheck(scope, module, this.notes),
      keepAlive: scope.argument(`${module}_socket_keepalive`)?.toLowerCase() === 'on',
      ...(module === 'grpc' || scope.argument('proxy_http_version') === '2' ? { isHttp2: true } : {}),
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

  private retryOf(scope: Scope, module: PassModule, { isByRequest, name }: Target): PlainMap {
    const directive = scope.find(`${module}_next_upstream`);
    const words = directive?.args ?? [];
    const on: (string | number)[] = [];
    let isOff = false;
    if (directive === null) on.push('connect', 'reset', 'timeout');
    for (const { text, place } of words) {
      if (text === 'error') on.push('connect', 'reset');
      else if (text === 'timeout') on.push('timeout');
      else if (text === 'non_idempotent') on.push('non-idempotent');
      else if (/^http_(50[0234]|429|40[34])$/.test(text)) on.push(Number(text.slice(5)));
      else if (text === 'off') isOff = true;
      else if (text !== 'invalid_header' && text !== 'updating') {
        this.notes.error(place, `invalid value "${text}"`, 'write error, timeout, http_502 and the like, or off');
      }
    }
    const tries = Number(scope.argument(`${module}_next_upstream_tries`) ?? '0');
    const servers = isByRequest ? ATTEMPTS_MAX : this.surroundings.upstreams.serverCount(name);
    const attempts = isOff ? 1 : Math.min(ATTEMPTS_MAX, tries > 0 ? tries : Math.max(1, servers));
    return { attempts, on: isOff ? [] : [...new Set(on)] };
  }

  // --- /path to /path/ ---

  /** nginx sends who asks for `/path` to the location `/path/`, if that is passed on to a server. */
  private slashRedirects(locations: readonly Location[]): Draft[] {
    const drafts: Draft[] = [];
    for (const { kind, path, scope, place } of locations) {
      if (kind === 'regex' || path.length < 2 || !path.endsWith('/') || ownPass(scope) === undefined) continue;
      const without = path.slice(0, -1);
      if (locations.some((other) => other.kind !== 'regex' && other.path === without)) continue;
      const to = `${absolutePrefix(scope, this.front)}${inTarget(path)}{query}`;
      const route = { match: { path: { exact: without } }, redirect: { to, status: 301 } };
      drafts.push({ place, route: this.settled(scope, route) });
    }
    return drafts;
  }
}

/** What passes the requests of this block on. */
function passOf(scope: Scope): Directive | undefined {
  const own = ownPass(scope);
  return own === undefined && scope.context === 'location-if' ? ownPass(scope.outer!) : own;
}

function ownPass(scope: Scope): Directive | undefined {
  return scope.own('proxy_pass')[0] ?? scope.own('grpc_pass')[0];
}

/** What may not stand in a redirect as it is (`ngx_escape_uri`). */
function inTarget(path: string): string {
  return path.replace(/[^!-~]|["<>\\^`{|}]/gu, encodeURIComponent);
}

function hasPort(name: string): boolean {
  return /^unix:|:[0-9]+$/.test(name);
}

/** A server is looked for once all of a small body is here. */
function isBuffered(scope: Scope, module: PassModule): boolean {
  const written = scope.argument(`${module}_request_buffering`)?.toLowerCase();
  return module === 'grpc' ? written === 'on' : written !== 'off';
}

/** Of a phase that is over: what answers stands at the end of the steps where something else could come of them. */
function routeOf({ steps, hasMoved }: Phase): PlainMap {
  const last = steps[steps.length - 1]?.['take'] as PlainMap | undefined;
  if (last === undefined) return { ...withSteps(steps, plainAnswer(500)) };
  const isSure = !hasMoved && !steps.some((step) => JSON.stringify(step).includes('"call"'));
  return withSteps(isSure ? steps.slice(0, -1) : steps, last);
}

/** What is not of the rewrite phase is for requests that stay, whatever ended the phase. */
function joined({ steps, hasMoved, canStop }: Phase, later: readonly PlainMap[]): readonly PlainMap[] {
  if (later.length === 0) return steps;
  const isCalling = steps.some((step) => JSON.stringify(step).includes('"call"'));
  return hasMoved || canStop || isCalling ? [...steps, { find: true }, ...later] : [...steps, ...later];
}

function stepsOf(steps: readonly PlainMap[]): PlainMap {
  return steps.length === 0 ? {} : { steps };
}

function withSteps(steps: readonly PlainMap[], route: PlainMap): PlainMap {
  return steps.length === 0 ? route : { steps, ...route };
}

function withResponse(route: PlainMap, response: PlainMap): PlainMap {
  return Object.keys(response).length === 0 ? route : { ...route, headers: { response } };
}

/** What captures the groups of an expression that `value` has matched; null: nothing in the block uses them. */
export function captureStep(value: string, regex: string, { directives }: Scope): PlainMap | null {
  if (!/\((?!\?[:=!])/.test(regex)) return null;
  const names = [...regex.matchAll(/\(\?<(\w+)>/g)].map(([, name]) => name);
  const uses = new RegExp(`\\$\\{?([1-9]${names.map((name) => `|${name}\\b`).join('')})`);
  return uses.test(JSON.stringify(directives)) ? { if: { value, regex }, do: [] } : null;
}
