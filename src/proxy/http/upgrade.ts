/** Which requests may become something else than HTTP. */
import { FIELD_VALUE, FIELD_VALUE_LENGTH, FIELD_WORDS, type RequestHead } from '../../wire/http1/head.ts';

/** Upgrade is passed on whatever the method, with a body too; h2c never is (RFC 9113 section 3.1 has removed it). */
export function mayUpgrade(memory: Uint8Array, head: RequestHead): boolean {
  if (!head.hasUpgrade || head.version === 10) return false;
  const field = head.upgradeField * FIELD_WORDS;
  return !namesH2c(memory, head.fields[field + FIELD_VALUE], head.fields[field + FIELD_VALUE_LENGTH]);
}

/** Whether an Upgrade field's value has `h2c` in it, in any case. */
function namesH2c(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i + 3 <= at + length; i++) {
    if ((bytes[i] | 32) === 104 && bytes[i + 1] === 50 && (bytes[i + 2] | 32) === 99) return true;
  }
  return false;
}
