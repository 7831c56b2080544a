import { parseIp } from '../words/addresses.ts';

export function isIP(text: string): boolean {
  return parseIp(text).value !== null;
}
