/** `proxy_set_header` and `grpc_set_header`, `add_header` and what nginx hides of a server's response, as header edits of the model. */
import type { PlainMap } from './document.ts';
import { readExpires } from './expires.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { PassModule } from './pass.ts';
import type { Scope } from './scope.ts';
import { isFramingHeader } from '../words/patterns.ts';
import { type Constants, translateText } from './variables.ts';

/** Fields of a server that nginx keeps to itself; Date is the server's here. */
const HIDDEN = [
  'Server',
  'X-Pad',
  'X-Accel-Expires',
  'X-Accel-Redirect',
  'X-Accel-Limit-Rate',
  'X-Accel-Buffering',
  'X-Accel-Charset',
];
/** The statuses of responses that `add_header` without `always` is for. */
const SUCCESSES: ReadonlySet<number> = new Set([200, 201, 204, 206, 301, 302, 303, 304, 307, 308]);
/** `add_header` replaces these, and takes them out where there is nothing to say. */
const SINGLE: ReadonlySet<string> = new Set(['etag', 'last-modified']);
/** Evenkeel's own: what is set there says nothing about how a connection is used. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
]);

export interface RequestHeaders {
  readonly edit: PlainMap;
  readonly passesUpgrade: boolean;
}

/** `upgradeMaps`: variables that a map makes of $http_upgrade. */
export function readRequestHeaders(
  scope: Scope,
  module: PassModule,
  constants: Constants,
  upgradeMaps: ReadonlySet<string>,
  notes: Notes,
): RequestHeaders {
  const setting = `${module}_set_header`;
  const directives = scope.all(setting);
  warnOfLost(scope, setting, notes);
  const set: Record<string, string> = { Host: constants.get('proxy_host') ?? '' };
  const add: Record<string, string[]> = {};
  const remove: string[] = [];
  const seen = new Set<string>();
  let passesUpgrade = false;
  for (const directive of directives) {
    const [{ text: name }, { text: value, place }] = directive.args;
    const lower = name.toLowerCase();
    if (lower === 'upgrade') {
      if (/^\$\{?http_upgrade\}?$/.test(value)) passesUpgrade = true;
      else if (value !== '') notes.notYet(place, `\`${setting} Upgrade ${value}\``, 'only $http_upgrade is passed on');
      continue;
    }
    if (lower === 'content-length') {
      const reason = 'the length of a body is what it is';
      if (!/^(|\$\{?content_length\}?)$/.test(value))
        notes.notYet(place, `\`${setting} ${name} "${value}"\``, reason, 'leave it out');
      continue;
    }
    if (HOP_BY_HOP.has(lower)) {
      const what = `${setting} ${name} ${value}`;
      const reason = 'how a connection is used is decided for each of the two connections';
      if (lower === 'connection') {
        if (!isOwnConnection(value, upgradeMaps)) notes.leftOut(place, what, reason);
      } else if (value !== '') notes.notYet(place, `\`${what}\``, reason, 'leave it out');
      continue;
    }
    if (lower === 'host') delete set['Host'];
    if (value === '') {
      if (!seen.has(lower)) remove.push(name);
      continue;
    }
    const translated = translateText(value, constants);
    if ('problem' in translated) {
      notes.notYet(place, `\`${setting} ${name} "${value}"\``, translated.problem);
      continue;
    }
    const template = fieldValue(translated.template);
    if (seen.has(lower)) (add[name] ??= []).push(template);
    else set[name] = template;
    seen.add(lower);
  }
  const edit: PlainMap = {};
  if (Object.keys(set).length > 0) edit['set'] = set;
  if (Object.keys(add).length > 0) edit['add'] = add;
  if (remove.length > 0) edit['remove'] = remove;
  return { edit, passesUpgrade };
}

/** It says what is done anyway, or what the idioms of WebSocket say. */
function isOwnConnection(value: string, upgradeMaps: ReadonlySet<string>): boolean {
  const variable = /^\$\{?(\w+)\}?$/.exec(value)?.[1];
  if (variable === undefined) return /^(upgrade|close|keep-alive|)$/i.test(value);
  return variable === 'http_connection' || upgradeMaps.has(variable);
}

/** nginx drops all of an outer block where an inner one has a single line. */
export function warnOfLost(scope: Scope, name: string, notes: Notes): void {
  const own = scope.own(name);
  if (own.length === 0) return;
  const has = new Set(own.map(({ args }) => args[0].text.toLowerCase()));
  const lost = scope.outside(name).filter(({ args }) => !has.has(args[0].text.toLowerCase()));
  if (lost.length === 0) return;
  const names = [...new Set(lost.map(({ args }) => args[0].text))].join(', ');
  const reason = `the \`${name}\` lines of the outer block do not hold here, because this block has some of its own: ${names}`;
  notes.trap(own[0].place, reason, 'repeat them here, if they were meant to hold');
}

/** `of`: a response with this status that evenkeel makes itself, or one of files or of a server that a module passes on to. */
export function readResponseHeaders(
  scope: Scope,
  constants: Constants,
  of: number | PassModule | 'files',
  notes: Notes,
): { readonly response: PlainMap; readonly success: PlainMap } {
  warnOfLost(scope, 'add_header', notes);
  const response: Record<string, string[]> = {};
  const success: Record<string, string[]> = {};
  const isKnown = typeof of === 'number';
  const hidden = isKnown || of === 'files' ? new Map<string, string>() : hiddenFields(scope, of);
  const isSuccess = !isKnown || SUCCESSES.has(of);
  const set: Record<string, string> = {};
  const successSet: Record<string, string> = {};
  for (const directive of scope.all('add_header')) {
    const isAlways = directive.args[2] !== undefined;
    if (isAlways && directive.args[2].text !== 'always') {
      notes.error(
        directive.args[2].place,
        `invalid parameter "${directive.args[2].text}"`,
        'write always, or leave it out',
      );
      continue;
    }
    if (!isAlways && !isSuccess) continue;
    const isForSuccess = !isKnown && !isAlways;
    const [{ text: field }, { text: written }] = directive.args;
    const isSingle = SINGLE.has(field.toLowerCase());
    if (isSingle && written === '') {
      for (const one of [set, successSet]) delete one[field];
      hidden.set(field.toLowerCase(), field);
      continue;
    }
    const line = readLine(directive, constants, notes);
    if (line === null) continue;
    const [name, value] = line;
    if (isSingle && isForSuccess) successSet[name] = value;
    else if (hidden.delete(name.toLowerCase()) || isSingle) set[name] = value;
    else (isForSuccess ? success : response)[name] = [...((isForSuccess ? success : response)[name] ?? []), value];
  }
  const edit: PlainMap = {};
  if (isSuccess) {
    const { fields, rule } = readExpires(scope, constants, notes);
    for (const [name, value] of Object.entries(fields)) (isKnown ? set : successSet)[name] = value;
    if (rule !== null) edit['expires'] = rule;
  }
  if (Object.keys(set).length > 0) edit['set'] = set;
  if (Object.keys(response).length > 0) edit['add'] = flat(response);
  if (hidden.size > 0) edit['remove'] = [...hidden.values()];
  const successes: PlainMap = {};
  if (Object.keys(successSet).length > 0) successes['set'] = successSet;
  if (Object.keys(success).length > 0) successes['add'] = flat(success);
  return { response: edit, success: successes };
}

function readLine(directive: Directive, constants: Constants, notes: Notes): readonly [string, string] | null {
  const [{ text: name }, { text: value, place }] = directive.args;
  if (value === '') return null;
  if (isFramingHeader(name)) {
    notes.noEffect(place, `add_header ${name}`);
    return null;
  }
  const translated = translateText(value, constants, 'response');
  if ('template' in translated) {
    const template = fieldValue(translated.template);
    return template === '' ? null : [name, template];
  }
  notes.notYet(place, `\`add_header ${name} "${value}"\``, translated.problem);
  return null;
}

/** White space around a value is no part of it (RFC 9110 section 5.5). */
function fieldValue(template: string): string {
  return template.trim();
}

function flat(fields: Readonly<Record<string, readonly string[]>>): PlainMap {
  return Object.fromEntries(
    Object.entries(fields).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
}

/** By lower-case name. */
function hiddenFields(scope: Scope, module: PassModule): Map<string, string> {
  const passed = new Set(scope.all(`${module}_pass_header`).map(({ args }) => args[0].text.toLowerCase()));
  const names = [...HIDDEN, ...scope.all(`${module}_hide_header`).map(({ args }) => args[0].text)];
  const hidden = new Map<string, string>();
  for (const name of names) {
    const lower = name.toLowerCase();
    if (!passed.has(lower) && !HOP_BY_HOP.has(lower) && lower !== 'upgrade' && lower !== 'date')
      hidden.set(lower, name);
  }
  return hidden;
}

/** `_ignore_headers` has this field, in small letters. */
export function isIgnored(scope: Scope, module: PassModule, field: string): boolean {
  return scope
    .all(`${module}_ignore_headers`)
    .some(({ args }) => args.some(({ text }) => text.toLowerCase() === field));
}
