/** Every nginx.conf in the documentation is one that evenkeel runs. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatDiagnostic } from '../../src/config/findings/diagnostic.ts';
import { loadDocuments } from '../../src/config/load.ts';
import { nginxFrontEnd } from '../../src/config/nginx/front-end.ts';

const DOCS = new URL('../../../docs/', import.meta.url);
const files = { read: () => ({ reason: 'no file is included' }), glob: () => [] };

for (const page of readdirSync(DOCS).filter((name) => name.endsWith('.md'))) {
  const blocks = readFileSync(new URL(page, DOCS), 'utf8').matchAll(/^```nginx\n([^]*?)^```/gm);
  for (const [i, [, text]] of [...blocks].entries()) {
    test(`nginx.conf ${i + 1} of docs/${page}`, () => {
      assert.ok(nginxFrontEnd.recognizes(text), 'it is told by its content');
      const document = nginxFrontEnd.read({ name: page, text }, { files, node: null });
      const { config, diagnostics } = loadDocuments([document], null);
      assert.ok(config !== null, diagnostics.map(formatDiagnostic).join('\n'));
      assert.deepEqual(diagnostics, []);
    });
  }
}
