/** `evenkeel nginx -v`, `-V` and `-h`: what nginx says of itself, of what is here. */
import { configureArguments, NGINX_VERSION } from '../../config/nginx/modules.ts';
import { PREFIX } from '../../config/nginx/front-end.ts';
import { CONF_PATH, ERROR_LOG_PATH, PID_PATH } from './places.ts';

/** `version`: evenkeel's. */
export function versionText(version: string, withModules: boolean): string {
  const line = `nginx version: nginx/${NGINX_VERSION} (evenkeel ${version})\n`;
  if (!withModules) return line;
  const paths = [
    `--prefix=${PREFIX.replace(/\/$/, '')}`,
    `--conf-path=${CONF_PATH}`,
    `--error-log-path=${ERROR_LOG_PATH}`,
    `--pid-path=${PID_PATH}`,
  ];
  const built = `built with OpenSSL ${process.versions.openssl}\nTLS SNI support enabled\n`;
  return `${line}${built}configure arguments: ${[...paths, ...configureArguments()].join(' ')}\n`;
}

export const HELP = `Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]
             [-e filename] [-c filename] [-g directives]

Options:
  -?,-h         : this help
  -v            : show version and exit
  -V            : show version and configure options then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to a master process: stop, quit, reopen, reload
  -p prefix     : set prefix path (default: ${PREFIX})
  -e filename   : set error log file (default: ${ERROR_LOG_PATH})
  -c filename   : set configuration file (default: ${CONF_PATH})
  -g directives : set global directives out of configuration file

`;
