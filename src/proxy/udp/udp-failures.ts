/** Why a datagram goes nowhere, or a session ends early, in the words of core/answers/kinds.ts: nobody is answered. */
import { answerKind } from '../../core/answers/kinds.ts';
import { type ConnectFailure, FAILED_CONNECT, FAILED_NO_PORT, FAILED_NO_RESOURCE } from '../../core/retry.ts';
import type { DropReason, FlowFailure } from '../../port/datagram.ts';

export const DENIED = answerKind('udp-denied');
export const WRONG_HEADER = answerKind('udp-proxy-header');
export const NO_SERVER = answerKind('udp-no-server');
export const SERVER_LIMIT = answerKind('udp-server-limit');
export const TABLE_FULL = answerKind('udp-table-full');
export const NO_DESCRIPTOR = answerKind('udp-no-descriptor');
export const OWN_ADDRESS = answerKind('udp-own');
export const DISPLACED = answerKind('udp-displaced');
export const UNANSWERED = answerKind('udp-unanswered');

const DROPS: Readonly<Record<DropReason, number>> = {
  full: answerKind('udp-full'),
  'too-large': answerKind('udp-too-large'),
  refused: answerKind('udp-refused'),
};

export function kindOfDrop(reason: DropReason): number {
  return DROPS[reason];
}

/** What there is to say of it, and how its server has failed, if it has. */
interface FlowFault {
  readonly kind: number;
  readonly how: ConnectFailure;
}

const UNREACHABLE: FlowFault = { kind: answerKind('udp-unreachable'), how: FAILED_CONNECT };

const FAULTS: Readonly<Record<FlowFailure, FlowFault>> = {
  refused: UNREACHABLE,
  unreachable: UNREACHABLE,
  other: UNREACHABLE,
  'no-port': { kind: answerKind('udp-no-port'), how: FAILED_NO_PORT },
  'no-resource': { kind: NO_DESCRIPTOR, how: FAILED_NO_RESOURCE },
};

export function faultOf(failure: FlowFailure): FlowFault {
  return FAULTS[failure];
}
