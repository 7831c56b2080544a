/** `limit_req` and `limit_conn`, with their zones. */
import { parseRate } from '../words/units.ts';
import type { DocumentBuilder, PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';
import { type Constants, translateText } from './variables.ts';

const NUMBER = /^[0-9]{1,7}$/;

export class LimitZones {
  private readonly names = new Map<string, string>();
  private readonly notes: Notes;

  /** Reads the zones of `http`. `variables`: those that the file makes. */
  constructor(http: Scope, document: DocumentBuilder, variables: Constants, notes: Notes) {
    this.notes = notes;
    const limiters: PlainMap = {};
    for (const kind of ['limit_req_zone', 'limit_conn_zone'] as const) {
      for (const directive of http.own(kind)) {
        const { args, place } = directive;
        const zone = optionOf(directive, 'zone')?.split(':')[0] ?? '';
        const rate = optionOf(directive, 'rate')?.replace(/^([0-9]+)r\//, '$1/');
        const isWrong = zone === '' || (kind === 'limit_req_zone' && (rate === undefined || parseRate(rate) === null));
        const found = translateText(args[0].text, variables);
        if (isWrong) {
          notes.error(place, `invalid "${kind}"`, `write for example ${EXAMPLES[kind]}`);
        } else if ('problem' in found) {
          notes.notYet(args[0].place, `\`${kind} ${args[0].text}\``, found.problem);
        } else {
          const name = document.freeName(limiters, zone);
          limiters[name] = { key: found.template, ...(rate === undefined ? {} : { rate }) };
          this.names.set(`${kind} ${zone}`, name);
          document.mark(['limiters', name], place);
        }
      }
    }
    if (Object.keys(limiters).length > 0) document.value['limiters'] = limiters;
  }

  /** What holds in this block, as parts of `limits`. */
  of(scope: Scope): PlainMap {
    const requests = scope.all('limit_req').flatMap((directive) => this.requestsOf(directive, scope));
    const connections = scope.all('limit_conn').flatMap((directive) => this.connectionsOf(directive, scope));
    return {
      ...(requests.length === 0 ? {} : { requests }),
      ...(connections.length === 0 ? {} : { connections }),
    };
  }

  private requestsOf(directive: Directive, scope: Scope): readonly PlainMap[] {
    const of = this.named('limit_req_zone', optionOf(directive, 'zone') ?? '', directive);
    const burst = optionOf(directive, 'burst') ?? '0';
    const delay = optionOf(directive, 'delay') ?? '0';
    const isWrong = !NUMBER.test(burst) || !NUMBER.test(delay);
    if (isWrong) this.notes.error(directive.place, 'invalid "limit_req"', `write for example ${EXAMPLES.limit_req}`);
    if (of === null || isWrong) return [];
    const isDelayed = !directive.args.some(({ text }) => text === 'nodelay');
    return [
      {
        of,
        burst: Math.min(1_000_000, Number(burst)),
        ...(isDelayed ? { 'delay-after': Math.min(1_000_000, Number(delay)) } : {}),
        ...traitsOf(scope, 'limit_req'),
      },
    ];
  }

  private connectionsOf(directive: Directive, scope: Scope): readonly PlainMap[] {
    const [{ text: zone }, { text: max }] = directive.args;
    const of = this.named('limit_conn_zone', zone, directive);
    const isWrong = !NUMBER.test(max) || Number(max) < 1 || Number(max) > 65_535;
    if (isWrong) this.notes.error(directive.place, `invalid number of connections "${max}"`, 'write for example 10');
    return of === null || isWrong ? [] : [{ of, max: Number(max), ...traitsOf(scope, 'limit_conn') }];
  }

  private named(kind: 'limit_req_zone' | 'limit_conn_zone', zone: string, { place }: Directive): string | null {
    const name = this.names.get(`${kind} ${zone}`);
    if (name !== undefined) return name;
    if (!this.notes.hasErrors && !this.notes.lacksParts)
      this.notes.error(place, `unknown ${kind} "${zone}"`, `write for example ${EXAMPLES[kind]}`);
    return null;
  }
}

const EXAMPLES = {
  limit_req_zone: 'limit_req_zone $binary_remote_addr zone=one:10m rate=10r/s',
  limit_conn_zone: 'limit_conn_zone $binary_remote_addr zone=one:10m',
  limit_req: 'limit_req zone=one burst=5',
};

function optionOf({ args }: Directive, name: string): string | undefined {
  return args.find(({ text }) => text.startsWith(`${name}=`))?.text.slice(name.length + 1);
}

/** nginx says 503 where nothing else is written. */
function traitsOf(scope: Scope, family: 'limit_req' | 'limit_conn'): PlainMap {
  const status = Number(scope.argument(`${family}_status`) ?? 503);
  const isDry = scope.argument(`${family}_dry_run`)?.toLowerCase() === 'on';
  return { status: status >= 400 && status <= 599 ? status : 503, ...(isDry ? { 'dry-run': true } : {}) };
}
