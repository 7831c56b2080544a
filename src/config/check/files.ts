/** Routes that answer with files: what they say fits together, and the tables that they name are there. */
import { show, type Path } from '../findings/diagnostic.ts';
import type { Config, Loose, RouteConfig } from '../model/config.ts';
import { everyRoute } from '../model/every-route.ts';
import type { Report } from './report.ts';
import { nearest } from '../findings/suggest.ts';

type Route = Loose<RouteConfig>;

/** `names`: of the routes of the listener. */
export function checkFiles(route: Route, path: Path, names: ReadonlySet<string>, report: Report): void {
  const { files = {} } = route;
  const at: Path = [...path, 'files'];
  if (files.otherwise !== undefined) {
    report.oneOf(files.otherwise, [...at, 'otherwise'], ['call', 'to', 'status']);
    const { call } = files.otherwise;
    if (call !== undefined && !names.has(call))
      report.atValue([...at, 'otherwise', 'call'], 'undefined-route', { value: show(call) });
    if (files.try === undefined && report.lacks(at, 'try')) {
      const reason = 'there is no `try`';
      report.atKey([...at, 'otherwise'], 'no-effect', {
        key: 'otherwise',
        reason,
        fix: 'leave it out, or write `try`',
      });
    }
  }
  if (files.try !== undefined && files.path !== undefined)
    report.atKey([...at, 'path'], 'only-one', { place: '`files`', given: '`try` and `path`' });
  const refuse = (keys: readonly string[]): void => {
    const reason = '`files` is answered without a server';
    report.atKey([...path, ...keys], 'no-effect', { key: keys.join('.'), reason, fix: 'leave it out' });
  };
  for (const key of ['rewrite', 'send', 'timeout', 'retry', 'upgrade', 'request-buffering', 'target-by'] as const)
    if (route[key] !== undefined) refuse([key]);
  if (route.limits?.body !== undefined) refuse(['limits', 'body']);
  if (route.headers?.request !== undefined) refuse(['headers', 'request']);
}

/** The tables of types that routes name. */
export function checkFileTypes(document: Loose<Config>, report: Report): void {
  const names = Object.keys(document.files?.types ?? {});
  const look = (route: Route, path: Path): void => {
    const types = route.files?.types;
    if (types !== undefined && !names.includes(types) && report.lacks(['files', 'types'], types)) {
      const near = nearest(types, names);
      const fix = near === null ? 'write the table, or leave `types` out' : `write ${near}`;
      report.atValue([...path, 'files', 'types'], 'undefined-types', { value: show(types), fix });
    }
  };
  for (const { route, path } of everyRoute(document)) look(route, path);
}
