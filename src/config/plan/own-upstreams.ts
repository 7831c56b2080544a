/** Upstreams that no configuration names: processes of ours that proxies ask as they ask servers. */
import { CREDENTIALS_UPSTREAM } from './credentials.ts';
import { FILES_UPSTREAM } from './files.ts';

export const OWN_UPSTREAMS: ReadonlySet<string> = new Set([FILES_UPSTREAM, CREDENTIALS_UPSTREAM]);
