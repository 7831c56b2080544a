/**
 * The program as it is shipped: what the compiler made of src/, with the libraries it uses, in a few files that load in half the
 * time of several hundred. `dist/src/main.js` is the same program, file by file, for those who look into it.
 */
import { defineConfig } from 'rolldown';
import { thirdPartyLicenses } from './packaging/third-party-licenses.js';

/** What is started by its path: a process, and three threads. */
const ENTRIES = ['main', 'process/load-thread', 'process/rehearsal-thread', 'io/linux/segment/refresh-thread'];

export default defineConfig({
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
