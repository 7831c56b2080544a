/** Why a datagram goes nowhere, or a session ends early, in the words of core/answers/kinds.ts: nobody is answered. */
import { answerKind } from '../../core/answers/kinds.ts';
import type { DropReason } from '../../port/datagram.ts';

export const DENIED = answerKind('udp-denied');
export const NO_SERVER = answerKind('udp-no-server');
export const SERVER_LIMIT = answerKind('udp-server-limit');
export const TABLE_FULL = answerKind('udp-table-full');
export const NO_DESCRIPTOR = answerKind('udp-no-descriptor');
export const NO_PORT = answerKind('udp-no-port');
export const OWN_ADDRESS = answerKind('udp-own');
export const DISPLACED = answerKind('udp-displaced');
export const UNREACHABLE = answerKind('udp-unreachable');
export const UNANSWERED = answerKind('udp-unanswered');

const DROPS: Readonly<Record<DropReason, number>> = {
  full: answerKind('udp-full'),
  'too-large': answerKind('udp-too-large'),
  refused: answerKind('udp-refused'),
};

export function kindOfDrop(reason: DropReason): number {
  return DROPS[reason];
}
