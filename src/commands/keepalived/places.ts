/** Where `evenkeel keepalived` finds and leaves its files: as keepalived does. */

export const CONF_PATH = '/etc/keepalived/keepalived.conf';
export const PID_PATH = '/run/keepalived.pid';
export const VRRP_PID_PATH = '/run/vrrp.pid';
export const CHECKERS_PID_PATH = '/run/checkers.pid';
/** What two of its signals ask for. */
export const DATA_PATH = '/tmp/keepalived.data';
export const STATISTICS_PATH = '/tmp/keepalived.stats';
