/** `evenkeel keepalived -h` and `-v`. */
import { CHECKERS_PID_PATH, CONF_PATH, PID_PATH, VRRP_PID_PATH } from './places.ts';

/** Whose behaviour is the measure. */
const KEEPALIVED_VERSION = '2.2.7';

/** `version`: evenkeel's. */
export function versionText(version: string): string {
  return `Keepalived v${KEEPALIVED_VERSION} (evenkeel ${version})\n`;
}

export const HELP = `Usage: keepalived [OPTION...]
  -f, --use-file=FILE          Use the specified configuration file
                                default '${CONF_PATH}'
  -P, --vrrp                   Only run with VRRP subsystem
  -C, --check                  Only run with Health-checker subsystem
  -l, --log-console            Log messages to local console
  -D, --log-detail             Detailed log messages (always)
  -n, --dont-fork              Don't fork the daemon process
  -p, --pid=FILE               Use specified pidfile, default '${PID_PATH}'
  -r, --vrrp_pid=FILE          The same process again, for who looks there, default '${VRRP_PID_PATH}'
  -c, --checkers_pid=FILE      The same process again, for who looks there, default '${CHECKERS_PID_PATH}'
  -i, --config-id=ID           Which node this is: for lines that begin with @ID
      --signum=SIGFUNC         Return signal number for STOP, RELOAD, DATA, STATS
  -t, --config-test[=LOG_FILE] Check the configuration for obvious errors, output to
                                stderr by default
  -v, --version                Display the version number
  -h, --help                   Display this help message

Without effect here: -B -d -S -g -G -u -X -I -R -b -a -x -A -m -M -e --all --flush-log-file.
Refused: -V (addresses stay only where something answers at them), -T, -s (use \`ip netns exec\`).
`;
