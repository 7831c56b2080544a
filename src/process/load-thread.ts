/** The thread that reads configurations, beside the keeper's loop (load/loader.ts). It waits for the next one, with all code loaded. */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { EXIT_OTHER_PROGRAM } from '../keeper/proxies/proxy-arguments.ts';
import { compareConfiguration, type ComparisonRequest, loadConfiguration, type LoadRequest } from '../load/load.ts';
import { type AdminTlsRequest, readAdminTls } from '../load/tls/admin.ts';
import { renewCertificates, type RenewalRequest } from '../load/tls/renewal.ts';
import { isProgramOfKeeper } from '../keeper/program-identity.ts';

/** Behind the proxies and the keeper: whoever serves goes first. Of this thread alone. */
const NICENESS = 10;

if (!isProgramOfKeeper(process.env)) process.exit(EXIT_OTHER_PROGRAM);
setPriority(NICENESS);
parentPort?.on('message', (request: LoadRequest | ComparisonRequest | RenewalRequest | AdminTlsRequest) => {
  parentPort?.postMessage(answerTo(request), []);
});

function answerTo(request: LoadRequest | ComparisonRequest | RenewalRequest | AdminTlsRequest): unknown {
  if ('sources' in request) return renewCertificates(request);
  if ('adminTls' in request) return readAdminTls(request.adminTls, Date.now()).tls;
  return 'compareWith' in request ? compareConfiguration(request) : loadConfiguration(request);
}
