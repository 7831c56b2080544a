/** The processes that proxies ask: whose server each is, and what it is told of a plan. */
import { CREDENTIALS_UPSTREAM } from '../../config/plan/credentials.ts';
import { FILES_UPSTREAM } from '../../config/plan/files.ts';
import { OwnServer, type OwnServerOptions } from './own-server.ts';
import type { KeeperToCredentials, KeeperToFiles } from './own-server-messages.ts';

/** `command`: the program and its arguments; what it is to be follows. */
type Common = Pick<OwnServerOptions, 'host' | 'log' | 'command' | 'user' | 'onOtherProgram'>;

/** `findUser`: whom it may run as. */
export function fileServer(common: Common, findUser: OwnServerOptions['findUser']): OwnServer {
  return new OwnServer({
    ...common,
    name: 'files',
    command: [...common.command, '__files'],
    upstream: FILES_UPSTREAM,
    ordersOf: ({ files }) =>
      files === null ? null : { user: files.user, message: { sites: files.sites } satisfies KeeperToFiles },
    findUser,
  });
}

export function credentialServer(common: Common): OwnServer {
  return new OwnServer({
    ...common,
    name: 'credentials',
    command: [...common.command, '__credentials'],
    upstream: CREDENTIALS_UPSTREAM,
    ordersOf: ({ credentials }) =>
      credentials === undefined
        ? null
        : { user: null, message: { checks: credentials.checks } satisfies KeeperToCredentials },
    findUser: () => null,
  });
}
