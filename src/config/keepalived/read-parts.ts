/** Parts that several directives are made of: programs, addresses, what is tracked. */
import { parseIp } from '../words/addresses.ts';
import type { Place } from '../findings/diagnostic.ts';
import type { Directive, Reading } from './directive.ts';
import { blockOf, works } from './directive.ts';
import type { Address, Notifies, Placed, Program, Tracked, Tracking } from './draft.ts';
import type { KeepalivedReport } from './report.ts';
import type { Statement } from './statements.ts';
import { argumentsOf, scriptWordsOf } from './words.ts';

/** What only a shell would understand. */
const SHELL = /^(\||\|\||&&?|;|<|>>?|2>&1|[0-9]?>\S*)$/;

/** `"PATH ARGS..." [USER [GROUP]]`. Null, and reported: it is not right. */
export function programOf(statement: Statement, reading: Reading, takesUser: boolean): Program | null {
  const { report } = reading;
  const { keyword, place, rest } = statement;
  const words = scriptWordsOf(rest);
  if (words === null) {
    report.error(place, 'a quote is never closed', 'close it');
    return null;
  }
  const [script, user, group] = words;
  const [program, ...args] = script === undefined ? [] : argumentsOf(script.text);
  if (program === undefined || program === '') {
    report.error(place, `\`${keyword}\` names no program`, `write \`${keyword} "/PATH ARGUMENTS"\``);
    return null;
  }
  if (!takesUser && user !== undefined) {
    const reason = `${user.text} is not a part of the program, and keepalived leaves it out`;
    const fix = script.isQuoted
      ? 'leave it out; who runs it is said by `user` on a line of its own'
      : `put the program and its arguments in quotes: ${keyword} "${rest.trim()}"`;
    report.error(statement.placeOf(1), reason, fix);
    return null;
  }
  if (program.startsWith('<') || args.some((argument) => SHELL.test(argument))) {
    report.error(statement.placeOf(0), 'there is no shell', 'write a program, or a script with this in it');
    return null;
  }
  if (group !== undefined && group.text !== user.text) {
    report.trap(place, `the group ${group.text} is not used: a program has the group of its user`, 'leave it out');
  }
  const path = program.startsWith('/') ? program : reading.findProgram(program);
  return { command: [path, ...args], user: user?.text ?? null };
}

export function userOf(statement: Statement, { report }: Reading): string | null {
  const [user, group] = statement.words;
  if (user === undefined) {
    report.error(statement.place, `\`${statement.keyword}\` names no user`, 'write a user');
    return null;
  }
  if (group !== undefined && group.text !== user.text) {
    report.trap(
      statement.placeOf(1),
      `the group ${group.text} is not used: a program has the group of its user`,
      'leave it out',
    );
  }
  return user.text;
}

/** keepalived takes a mask or a range off silently, and files have them. */
export function plainAddressOf(text: string): string {
  return text.replace(/[/-][^/-]*$/, '');
}

const SCOPES: ReadonlySet<string> = new Set(['global', 'universe', '0']);
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['home', '-nodad', 'mngtmpaddr', 'noprefixroute', 'autojoin']);

/** `ADDRESS[/MASK] [brd ADDRESS] [dev IF] [scope S] [label L] ...` */
function addressOf(line: Statement, { report }: Reading): Address | null {
  const { keyword: text, place, words } = line;
  const slash = text.indexOf('/');
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash)).value;
  if (ip === null) {
    report.badArgument(place, text, 'virtual_ipaddress', 'write for example 192.0.2.3/24, one address a line');
    return null;
  }
  const bitsMax = ip.family === 4 ? 32 : 128;
  const mask = slash < 0 ? String(bitsMax) : text.slice(slash + 1);
  if (!/^[0-9]{1,3}$/.test(mask) || Number(mask) > bitsMax) {
    report.badArgument(place, text, 'virtual_ipaddress', `write a prefix length from 0 to ${bitsMax}`);
    return null;
  }
  let device: string | null = null;
  let label: string | null = null;
  for (let i = 0; i < words.length; i++) {
    const option = words[i].text;
    const at = line.placeOf(i);
    if (WITHOUT_EFFECT.has(option)) {
      report.leftOut(at, option, 'it is an attribute of the address for the kernel');
      continue;
    }
    const value = words[i + 1]?.text;
    if (option === 'no_track' || option === 'use_vmac') {
      report.notYet(at, option, 'each address goes with its interface', 'leave it out');
      continue;
    }
    if (!['dev', 'brd', 'broadcast', 'scope', 'label', 'peer', 'preferred_lft'].includes(option)) {
      const fix = parseIp(plainAddressOf(option)).value === null ? 'leave it out' : 'write it on a line of its own';
      report.error(at, `${option} is nothing that an address has`, fix);
      return null;
    }
    if (value === undefined) {
      report.error(at, `\`${option}\` has no value`, 'write it, or leave the word out');
      return null;
    }
    i++;
    if (option === 'dev') device = value;
    else if (option === 'peer') report.notYet(at, option, 'addresses have no peer address', 'leave it out');
    else if (option === 'scope' && SCOPES.has(value)) continue;
    else if (option === 'scope') report.leftOut(at, `scope ${value}`, 'the address has the scope `global`');
    else if (option === 'label' && ip.family === 4) label = value;
    else if (option === 'label') report.leftOut(at, `label ${value}`, 'only IPv4 addresses have one');
    else report.leftOut(at, `${option} ${value}`, 'it is an attribute of the address for the kernel');
  }
  return { cidr: `${ip.address}/${mask}`, device, label };
}

export function readAddresses(into: Placed<Address>[], statement: Statement, reading: Reading): void {
  for (const line of blockOf(statement, reading)) {
    const value = addressOf(line, reading);
    if (value !== null) into.push({ value, place: line.place });
  }
}

/** `NAME [weight W]`, a line each. */
function readTracked(into: Placed<Tracked>[], statement: Statement, reading: Reading): void {
  const { report } = reading;
  for (const line of blockOf(statement, reading)) {
    const [option, weight, reverse] = line.words.map(({ text }) => text);
    if (option !== undefined && option !== 'weight') {
      report.error(
        line.placeOf(0),
        `${option} is not expected behind ${line.keyword}`,
        'write `weight NUMBER`, or the next one on a line of its own',
      );
      continue;
    }
    if (option === 'weight' && !isWeight(weight)) {
      report.badArgument(line.placeOf(1), weight ?? '', 'weight', 'write a whole number from -253 to 253');
      continue;
    }
    if (reverse !== 'noreverse') checkReverse(reverse, line.placeOf(2), report);
    into.push({
      value: { name: line.keyword, weight: weight === undefined ? null : Number(weight) },
      place: line.place,
    });
  }
}

function isWeight(text: string | undefined): text is string {
  return text !== undefined && /^[+-]?[0-9]{1,3}$/.test(text) && Math.abs(Number(text)) <= 253;
}

/** What stands behind a weight, if anything does. */
function checkReverse(word: string | undefined, place: Place, report: KeepalivedReport): void {
  if (word === 'reverse') {
    report.notYet(place, word, 'a weight counts while what is tracked passes', 'write the weight without it');
  } else if (word !== undefined) report.error(place, `${word} is not expected behind the weight`, 'leave it out');
}

/** `weight W [reverse]` as a statement of its own. */
export function weightOf(statement: Statement, { report }: Reading): number | null {
  const [weight, reverse] = statement.words.map(({ text }) => text);
  if (!isWeight(weight)) {
    report.badArgument(statement.placeOf(0), weight ?? '', 'weight', 'write a whole number from -253 to 253');
    return null;
  }
  checkReverse(reverse, statement.placeOf(1), report);
  return Number(weight);
}

export function trackingDirectives<D extends Tracking>(): Readonly<Record<string, Directive<D>>> {
  return {
    track_script: works(
      '`track: [{ script: ... }]`',
      (draft, statement, reading) => readTracked(draft.scripts, statement, reading),
      true,
    ),
    track_process: works(
      '`track: [{ process: ... }]`',
      (draft, statement, reading) => readTracked(draft.processes, statement, reading),
      true,
    ),
    track_interface: works(
      '`track: [{ interface: ... }]`',
      (draft, statement, reading) => readTracked(draft.interfaces, statement, reading),
      true,
    ),
    track_file: works(
      '`track: [{ file: ... }]`',
      (draft, statement, reading) => readTracked(draft.files, statement, reading),
      true,
    ),
    track_bfd: { state: 'refused', about: 'there is no BFD' },
  };
}

function notify<D extends Notifies>(key: keyof Notifies, about: string): Directive<D> {
  const read: NonNullable<Directive<D>['read']> = (draft, statement, reading) => {
    const value = programOf(statement, reading, true);
    if (value !== null) (draft as Notifies)[key] = { value, place: statement.place };
  };
  return works(about, read);
}

export function notifyDirectives<D extends Notifies>(): Readonly<Record<string, Directive<D>>> {
  return {
    notify: notify('notify', '`notify` for all roles'),
    notify_master: notify('active', '`notify.active` with `arguments: none`'),
    notify_backup: notify('backup', '`notify.backup` with `arguments: none`'),
    notify_fault: notify('fault', '`notify.fault` with `arguments: none`'),
    notify_stop: notify('stop', '`notify.stop` with `arguments: none`'),
    notify_deleted: { state: 'left out', about: 'no program is run when a reload removes a virtual router' },
    notify_master_rx_lower_pri: { state: 'left out', about: 'the log says it' },
    notify_priority_changes: {
      state: 'left out',
      about: 'programs are run when the role changes, and not when a priority does',
    },
    smtp_alert: { state: 'left out', about: 'there is no e-mail; a notify program can send it' },
  };
}
