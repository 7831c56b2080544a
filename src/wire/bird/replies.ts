/**
 * What BIRD 2 answers on its control socket (its documentation, "Remote control"; nest/cli.c). A reply is lines: four digits and `-` where more follow,
 * four digits and a space in the last one, and a space alone for one more line of the same code. Codes that begin with 8 or 9 are errors.
 */

/** One line, without its code. */
export interface ReplyLine {
  readonly code: number;
  readonly text: string;
}

export interface Reply {
  readonly lines: readonly ReplyLine[];
  /** How many characters of the text it had. */
  readonly length: number;
}

const ERROR_MIN = 8_000;

/** The first whole reply of a text; null: more is to come. Undefined: it is none. */
export function parseReply(text: string): Reply | null | undefined {
  const lines: ReplyLine[] = [];
  let code = 0;
  for (let at = 0; ;) {
    const end = text.indexOf('\n', at);
    if (end < 0) return null;
    const line = text.slice(at, end);
    at = end + 1;
    const head = /^(\d{4})([- ])/.exec(line);
    if (head === null && !(line.startsWith(' ') && lines.length > 0)) return undefined;
    if (head !== null) code = Number(head[1]);
    lines.push({ code, text: line.slice(head === null ? 1 : 5) });
    if (head !== null && head[2] === ' ') return { lines, length: at };
  }
}

/** What it refuses to do, and why; null: it did it. */
export function refusalOf({ lines }: Reply): string | null {
  const last = lines[lines.length - 1];
  return last.code >= ERROR_MIN ? last.text : null;
}

/** One protocol of `show protocols all`. */
export interface BirdProtocol {
  readonly name: string;
  /** `BGP`, `Direct`, `Kernel` ... */
  readonly kind: string;
  readonly isUp: boolean;
  /** As BIRD writes it: `21:43:32.972`, or a date; by its own clock. */
  readonly since: string;
  /** `Established`, `Active        Socket: Connection refused` ... */
  readonly info: string;
  /** Of BGP; empty: it is not known. */
  readonly neighbor: string;
  /** 0: it is not known. */
  readonly neighborAs: number;
}

/** Code 1002 has a row for each protocol, 1006 the details of the last one. */
export function protocolsOf({ lines }: Reply): readonly BirdProtocol[] {
  const found: BirdProtocol[] = [];
  for (const { code, text } of lines) {
    if (code === 1002) {
      // name, protocol, table, state, since, info
      const row = /^(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)(?!\S)/.exec(text);
      if (row === null) continue;
      const [all, name, kind, , state, since] = row;
      const info = text.slice(all.length).trim();
      found.push({ name, kind, isUp: state === 'up', since, info, neighbor: '', neighborAs: 0 });
    } else if (code === 1006 && found.length > 0) {
      const last = found[found.length - 1];
      const detail = /^\s+Neighbor (address|AS):\s+(\S+)/.exec(text);
      if (detail === null) continue;
      const [, what, value] = detail;
      found[found.length - 1] =
        what === 'AS' ? { ...last, neighborAs: Number(value) } : { ...last, neighbor: value.replace(/%.*/, '') };
    }
  }
  return found;
}

/** Of `show route`: the networks, `192.0.2.10/32`. */
export function networksOf({ lines }: Reply): readonly string[] {
  const networks = lines.flatMap(({ code, text }) => {
    const network = code === 1007 ? /^([0-9a-fA-F.:]+\/\d+)\s/.exec(text)?.[1] : undefined;
    return network === undefined ? [] : [network];
  });
  return [...new Set(networks)];
}

/** Of the greeting, `BIRD 2.0.12 ready.`; null: it is none of BIRD's. */
export function versionOf({ lines }: Reply): string | null {
  return /^BIRD (\S+) ready\.$/.exec(lines[lines.length - 1].text)?.[1] ?? null;
}
