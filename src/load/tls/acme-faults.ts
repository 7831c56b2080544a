/** What is wrong with the files that an `acme` part names, before an authority is asked. */
import { X509Certificate } from 'node:crypto';
import { systemReason } from '../../base/system-error.ts';
import type { AcmePlan } from '../../config/plan/acme.ts';
import { type Problem, problem } from '../../config/findings/diagnostic.ts';
import { openMode, readRegularFile } from '../regular-file.ts';

const FILE_BYTES_MAX = 1024 * 1024;

export function findAcmeFaults({ ca, binding }: AcmePlan): readonly Problem[] {
  const found: Problem[] = [];
  const look = (what: string, path: string, fix: string, check: (text: string) => void): string | null => {
    try {
      const { bytes, mode } = readRegularFile(path, FILE_BYTES_MAX);
      check(bytes.toString('latin1'));
      return openMode(mode);
    } catch (error) {
      found.push(problem('bad-acme-file', { what, path, reason: systemReason(error), fix }));
      return null;
    }
  };
  if (ca !== null) look('the certificates', ca, 'name a file in PEM', (text) => void new X509Certificate(text));
  if (binding !== null) {
    const { keyFile } = binding;
    const fix = 'write the key into it as the authority shows it, on one line';
    const mode = look('the key', keyFile, fix, (text) => {
      if (!/^[A-Za-z0-9_-]{16,}=*\s*$/.test(text)) throw new Error('it is no key in base64url');
    });
    if (mode !== null) found.push(problem('open-private-key', { path: keyFile, mode }));
  }
  return found;
}
