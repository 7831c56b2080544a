/** Reads the OCSP response that is to be stapled to a certificate: taken only if it is for that one, says that it is good, and is valid now. */
import { createHash } from 'node:crypto';
import { systemReason } from '../../base/system-error.ts';
import type { Staple } from '../../port/tls.ts';
import { objectIdentifier } from '../../wire/x509/der.ts';
import { type OcspAnswer, type OcspSubject, ocspSubjectOf, parseOcspResponse } from '../../wire/x509/ocsp.ts';
import { readRegularFile } from '../regular-file.ts';
import { timeText } from './wording.ts';

/** Why it is not: for people. */
export interface StapleFault {
  readonly reason: string;
  readonly fix: string;
}

/** Most have 500 bytes, those with certificates of their signers 2 KiB. */
const FILE_BYTES_MAX = 64 * 1024;
const AGAIN = 'get it again from the responder of the issuer: openssl ocsp -respout';

/** `certificate`: DER. */
export function readStaple(path: string, certificate: Uint8Array, nowMs: number): Staple | StapleFault {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(readRegularFile(path, FILE_BYTES_MAX).bytes);
  } catch (error) {
    return { reason: systemReason(error), fix: 'correct the path' };
  }
  const response = parseOcspResponse(bytes);
  if (response === 'not a response') return { reason: 'it is no OCSP response in DER', fix: AGAIN };
  if (response === 'no answer')
    return { reason: 'it is one by which the responder says that it has no answer', fix: AGAIN };
  const subject = ocspSubjectOf(certificate);
  const answer = response.answers.find((one) => subject !== null && isAbout(one, subject));
  if (answer === undefined) return { reason: 'it is about another certificate', fix: AGAIN };
  const { fromMs, state, untilMs } = answer;
  if (state !== 'good') return { reason: `it says that the certificate is ${state}`, fix: 'renew the certificate' };
  if (untilMs <= nowMs) return { reason: `it was valid until ${timeText(untilMs)}`, fix: AGAIN };
  if (fromMs > nowMs)
    return { reason: `it is valid from ${timeText(fromMs)} on`, fix: 'correct the time of this machine' };
  return { response: bytes, untilMs };
}

const HASHES = new Map(
  [
    ['1.3.14.3.2.26', 'sha1'],
    ['2.16.840.1.101.3.4.2.1', 'sha256'],
    ['2.16.840.1.101.3.4.2.2', 'sha384'],
    ['2.16.840.1.101.3.4.2.3', 'sha512'],
  ].map(([identifier, name]) => [hex(objectIdentifier(identifier).subarray(2)), name]),
);

function isAbout({ hash, issuerNameHash, serial }: OcspAnswer, subject: OcspSubject): boolean {
  const name = HASHES.get(hex(hash));
  if (name === undefined || hex(serial) !== hex(subject.serial)) return false;
  return createHash(name).update(subject.issuer).digest('hex') === hex(issuerNameHash);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
