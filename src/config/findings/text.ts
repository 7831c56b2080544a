import type { Entry } from './entry.ts';

/** The text itself. */
export const TEXT = {
  'yaml-syntax': {
    severity: 'error',
    message: 'this is not YAML: <reason>',
    remedy: '<fix>',
    about: 'What stands after the first such error is checked only when it is repaired.',
  },
  'yaml-empty': {
    severity: 'error',
    message: 'the file is empty',
    remedy: 'begin with `listeners:` and `upstreams:`',
  },
  'yaml-undefined-alias': {
    severity: 'error',
    message: '`*<name>` without quotes is an alias, and there is no anchor `&<name>` above it',
    remedy: 'if it is text, quote it: "*<name>"',
    about: 'In YAML a value that begins with `*` is an alias. `*:80` and `*.shop.example` need quotes.',
  },
  'yaml-alias-loop': {
    severity: 'error',
    message: '`*<name>` is inside the anchor `&<name>` that it refers to',
    remedy: 'write the value itself',
  },
  'yaml-too-large': {
    severity: 'error',
    message: '<what>',
    remedy: 'write less: <limit>',
    about: 'Bounds, so that a file of a few lines cannot take all memory through aliases or nesting.',
  },
  'yaml-tag': {
    severity: 'error',
    message: 'the tag <tag> is not supported',
    remedy: 'leave it out',
  },
  'yaml-directive': {
    severity: 'error',
    message: 'the file asks for YAML <version>',
    remedy: 'leave the %YAML line out: it is read as YAML 1.2',
    about: 'In YAML 1.1 `on` and `yes` are booleans and `22:22` is a number.',
  },
  'yaml-documents': {
    severity: 'error',
    message: 'a second document begins here',
    remedy: 'leave the `---` out, or put what follows into a file of its own',
  },
  'yaml-key': {
    severity: 'error',
    message: '<value> cannot be a key',
    remedy: 'write a word and a colon',
  },
  'yaml-merge': {
    severity: 'error',
    message: 'the merge key has <value>',
    remedy: 'give it an alias of a map (`*name`), or a list of such aliases',
  },
  'duplicate-key': {
    severity: 'error',
    message: '`<key>` is a duplicate; the first is on line <line>',
    remedy: 'keep one of them',
  },

  'in-two-files': {
    severity: 'error',
    message: '`<what>` is already at <other>',
    remedy: 'keep one of them, or give one another name: several files are one configuration',
  },
} as const satisfies Readonly<Record<string, Entry>>;
