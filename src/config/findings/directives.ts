import type { Entry } from './entry.ts';

/** The directives of nginx.conf and keepalived.conf. */
export const DIRECTIVES = {
  'directive-wrong': {
    severity: 'error',
    message: '<reason>',
    remedy: '<fix>',
    about: 'nginx would not start with it either; keepalived would only log it and leave it out.',
  },
  'unknown-directive': {
    severity: 'error',
    message: 'there is no keyword `<keyword>` <where>',
    remedy: '<fix>',
  },
  'bad-argument': {
    severity: 'error',
    message: '<value> cannot be the value of `<keyword>`',
    remedy: '<fix>',
  },
  'directive-refused': {
    severity: 'error',
    message: '`<keyword>` is not supported: <reason>',
    remedy: '<fix>',
  },
  'directive-trap': {
    severity: 'warning',
    message: '<what>',
    remedy: '<fix>',
    about: 'It has the meaning that it has for nginx or keepalived, which may not be what was meant.',
  },
  'directive-left-out': {
    severity: 'warning',
    message: 'this version goes without <keywords>: <reason>',
    remedy: 'nothing has to be done: everything else runs',
  },
  'directives-without-effect': {
    severity: 'warning',
    message: 'these have no effect: <keywords>',
    remedy: 'they can stay: they are for <program> alone (docs/reference/<program>-conf.md)',
  },
  'directive-not-yet': {
    severity: 'unsupported',
    message: '<what> is not supported yet: <reason>',
    remedy: '<fix>',
    about: 'It protects something or changes what the file means, so that the file is not run without it.',
  },
} as const satisfies Readonly<Record<string, Entry>>;
