/**
 * What is shipped: what the compiler made of src/, with the libraries it uses, in a few files.
 *
 * The program loads in half the time of several hundred files; `dist/src/main.js` is the same one, file by file, for those who look into
 * it. The dashboard is what the admin API gives to browsers.
 */
import { readFileSync } from 'node:fs';
import { defineConfig } from 'rolldown';
import { thirdPartyLicenses } from './packaging/third-party-licenses.js';

/** What is started by its path: a process, and six threads. */
const ENTRIES = [
  'main',
  'process/load-thread',
  'process/rehearsal-thread',
  'process/syslog-thread',
  'process/otlp-thread',
  'process/hash-thread',
  'io/linux/segment/refresh-thread',
];

const program = defineConfig({
  input: Object.fromEntries(ENTRIES.map((entry) => [entry, `dist/src/${entry}.js`])),
  // It loads native code, which it looks for beside itself.
  external: ['koffi'],
  platform: 'node',
  plugins: [thirdPartyLicenses()],
  output: {
    dir: 'dist/program',
    cleanDir: true,
    // One folder deep, as those modules of src/ are that find a file by where they are themselves.
    chunkFileNames: 'parts/[name]-[hash].js',
    comments: { legal: true },
  },
});

const dashboard = defineConfig({
  input: { dashboard: 'dist/src/dashboard/main.js' },
  platform: 'browser',
  plugins: [copied('src/dashboard', ['index.html', 'dashboard.css', 'icon.svg']), thirdPartyLicenses()],
  output: { dir: 'dist/dashboard', cleanDir: true, minify: true },
});

/** A plugin: these files of a folder go beside the bundle as they are. */
function copied(folder, files) {
  return {
    name: 'copied',
    generateBundle() {
      for (const file of files) {
        this.emitFile({ type: 'asset', fileName: file, source: readFileSync(`${folder}/${file}`) });
      }
    },
  };
}

export default [program, dashboard];
