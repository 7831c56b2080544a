/** What does not fit together in how an etcd cluster is reached. */
import type { Path } from '../findings/diagnostic.ts';
import type { Report } from './report.ts';

interface EtcdFiles {
  readonly certificate?: string | undefined;
  readonly 'private-key'?: string | undefined;
}

export function checkEtcdFiles(files: EtcdFiles, path: Path, report: Report): void {
  if ((files.certificate === undefined) === (files['private-key'] === undefined) || !report.isWhole(path)) return;
  const [has, lacks] =
    files.certificate === undefined ? ['private-key', 'certificate'] : ['certificate', 'private-key'];
  const place = `\`${path.at(-1)}\``;
  report.atKey([...path, has], 'missing-key', { place, key: lacks, fix: 'the path of its file' });
}
