/** Routes in words, for people who look at what runs: what one asks for, and what it does. */
import type {
  ActionPlan,
  MatchPlan,
  PathMatchPlan,
  RoutePlan,
  StepPlan,
  TestPlan,
  ValueMatchPlan,
} from '../plan/route.ts';
import { FILES_UPSTREAM } from '../plan/files.ts';
import { redactNamed } from '../redact.ts';
import { parseTemplate, type SourcePlan } from './template.ts';

/** `host shop.example, path /api/*, method GET`; of one that takes everything `any request`. */
export function matchText({ hosts, methods, path, values }: MatchPlan): string {
  const parts = [
    ...(hosts.length === 0 ? [] : [`host ${hosts.join(' or ')}`]),
    ...(path === null ? [] : [pathText(path)]),
    ...(methods.length === 0 ? [] : [`method ${methods.join(' or ')}`]),
    ...values.map(valueText),
  ];
  return parts.length === 0 ? 'any request' : parts.join(', ');
}

/** What a route is called by steps, or what it asks for. */
export function routeText({ isInternal, match, name }: Pick<RoutePlan, 'isInternal' | 'match' | 'name'>): string {
  if (name !== null) return `route ${name}, which is called`;
  return `${matchText(match)}${isInternal ? ', of rewritten requests alone' : ''}`;
}

export function pathText(path: PathMatchPlan): string {
  if (path.kind === 'regex') return `path ~ ${path.value}`;
  return path.kind === 'exact' ? `path = ${path.value}` : `path ${path.value}*`;
}

export function valueText(plan: ValueMatchPlan): string {
  const what = sourceText(plan.source);
  switch (plan.kind) {
    case 'present':
      return `${what} there`;
    case 'absent':
      return `${what} absent`;
    case 'exact':
      return `${what} = ${wanted(plan)}`;
    case 'prefix':
      return `${what} = ${wanted(plan)}*`;
    case 'regex':
      return `${what} ~ ${wanted(plan)}`;
  }
}

function wanted({ source, value }: Extract<ValueMatchPlan, { value: string }>): string {
  return redactNamed(source.name ?? '', value);
}

/** `header X-Beta` */
export function sourceText({ kind, name }: SourcePlan): string {
  return name === null ? kind : `${kind} ${name}`;
}

/** `to upstream shop`, `redirect 301 to https://{host}{uri}` */
export function actionText(action: ActionPlan): string {
  switch (action.kind) {
    case 'proxy':
      return action.upstream === FILES_UPSTREAM ? 'from files' : `to upstream ${action.upstream}`;
    case 'redirect':
      return `redirect ${action.status} to ${action.to}`;
    case 'respond':
      return `answer ${action.status}`;
    case 'ready':
      return 'whether this node is ready';
    case 'close':
      return 'close the connection';
    case 'next':
      return 'steps, then the next route';
  }
}

/** As nginx would write it, where that says it best. */
export function testText({ is, isNegated, regex, value }: TestPlan): string {
  const not = isNegated ? '!' : '';
  const wanted = regex ?? is;
  if (wanted === null) return `if ${isNegated ? 'not ' : ''}${value}`;
  const names = parseTemplate(value).flatMap((part) => (typeof part === 'string' ? [] : [part.name ?? '']));
  const shown = names.reduce((text, name) => redactNamed(name, text), wanted);
  return `if ${value} ${not}${regex === null ? '=' : '~'} ${shown}`;
}

export function stepText(plan: Exclude<StepPlan, { kind: 'if' }>): string {
  switch (plan.kind) {
    case 'set':
      return `set ${plan.name} to ${redactNamed(plan.name, plan.value)}`;
    case 'rewrite':
      return plan.take === null
        ? `rewrite ${plan.regex} to ${plan.to}`
        : `where the path is ~ ${plan.regex}: ${actionText(plan.take.action)}`;
    case 'take':
      return actionText(plan.route.action);
    case 'call':
      return `call route ${plan.name}`;
    case 'stop':
      return 'stop';
    case 'find':
      return 'look for a route anew, if the target is another one';
  }
}
