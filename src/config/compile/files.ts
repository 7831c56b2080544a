/** A route with `files`: a request to the process that reads them, and where it goes on if there is none. */
import {
  FILES_ADDRESS,
  FILES_UPSTREAM,
  type FileSites,
  PATH_FIELD,
  PATH_MARK,
  SITE_FIELD,
  STATUS_FIELD,
} from '../plan/files.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { RouteConfig } from '../model/config.ts';
import { listOf } from '../model/parts.ts';
import type { ErrorPagePlan } from '../plan/route.ts';
import type { HeaderEditPlan } from '../plan/response.ts';
import type { ProxyActionPlan, RoutePlan, StepPlan } from '../plan/route.ts';
import type { UpstreamPlan } from '../plan/upstream.ts';
import { ownUpstream } from './own-upstream.ts';
import { WEB_TYPES } from '../words/web-types.ts';

type FilesConfig = NonNullable<RouteConfig['files']>;
export type FileTypes = Readonly<Record<string, Readonly<Record<string, string>>>>;

const NOT_FOUND = 404;
/** A file answers nothing else: GET and HEAD without a body. */
const ASKS = '{method}{header:Content-Length}{header:Transfer-Encoding}';
const ASKS_FOR_FILE = '^(?:GET|HEAD)0?$';
/** Of all proxies together: each may have a file and a socket open. */
const CONNECTIONS_MAX = 2048;

export interface FilesParts {
  readonly steps: readonly StepPlan[];
  readonly errors: readonly ErrorPagePlan[];
  readonly action: ProxyActionPlan;
  readonly requestHeaders: HeaderEditPlan;
}

/** `answer`: a route that is answered with this status. */
export function compileFiles(
  files: FilesConfig,
  tables: FileTypes,
  sites: FileSites,
  errors: readonly ErrorPagePlan[],
  answer: (status: number) => RoutePlan,
): FilesParts {
  const defaults = DEFAULTS.route.files;
  const written = files.types === undefined ? WEB_TYPES : (tables[files.types] ?? WEB_TYPES);
  const paths = files.try ?? (files.path === undefined ? [] : [files.path]);
  const key = sites.add({
    root: files.root.replace(/\/+$/, ''),
    strip: files.strip ?? '',
    paths: paths.map((path) => (path.endsWith('/') ? 'folder' : 'file')),
    isTrying: files.try !== undefined,
    index: listOf(files.index ?? defaults.index),
    types: Object.fromEntries(Object.entries(written).map(([extension, type]) => [extension.toLowerCase(), type])),
    defaultType: files['default-type'] ?? defaults['default-type'],
    hasDotFiles: files.dotfiles ?? defaults.dotfiles,
  });
  const set: (readonly [string, string])[] = [
    [SITE_FIELD, key],
    [STATUS_FIELD, '{page-status}'],
    ...paths.map((path, i): [string, string] => [`${PATH_FIELD}${i}`, `${PATH_MARK}${path}${PATH_MARK}`]),
  ];
  const { steps, page } = compileOtherwise(files.otherwise ?? {}, answer);
  return {
    steps,
    errors: page === null ? errors : [page, ...errors],
    action: {
      kind: 'proxy',
      upstream: FILES_UPSTREAM,
      rewrite: { kind: 'target', target: '{decoded-path}' },
      timeoutMs: 0,
      retry: { attempts: 2, connect: true, reset: true, timeout: false, statuses: [], nonIdempotent: false },
      upgrade: false,
      bodyBytes: null,
      passesClaims: true,
      interceptsErrors: page !== null || errors.length > 0,
    },
    requestHeaders: { set, add: [], remove: ['Cookie', 'Authorization'] },
  };
}

function compileOtherwise(
  { call, to, status }: NonNullable<FilesConfig['otherwise']>,
  answer: (status: number) => RoutePlan,
): { readonly steps: readonly StepPlan[]; readonly page: ErrorPagePlan | null } {
  const statuses = [NOT_FOUND];
  if (call !== undefined)
    return {
      steps: forOthers({ kind: 'call', name: call }),
      page: { statuses, to: { kind: 'call', name: call }, answer: 'own', goesOn: true },
    };
  if (to !== undefined)
    return {
      steps: forOthers({ kind: 'rewrite', regex: '^', to, end: 'again', take: null }),
      page: { statuses, to: { kind: 'target', target: to }, answer: 'own', goesOn: true },
    };
  if (status === undefined || status === NOT_FOUND) return { steps: [], page: null };
  return { steps: [], page: { statuses, to: { kind: 'take', route: answer(status) }, answer: 'own', goesOn: true } };
}

/** For requests that no file answers. */
function forOthers(step: StepPlan): readonly StepPlan[] {
  return [{ kind: 'if', test: { value: ASKS, is: null, regex: ASKS_FOR_FILE, isNegated: true }, steps: [step] }];
}

/** Of the process that reads them. */
export function filesUpstream(slot: number, firstSlot: number): UpstreamPlan {
  return ownUpstream(
    { name: FILES_UPSTREAM, server: 'files', host: FILES_ADDRESS, connectionsMax: CONNECTIONS_MAX },
    slot,
    firstSlot,
  );
}
