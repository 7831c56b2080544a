/** Runs a program in a network of its own, where `eth0` has 192.0.2.5 and nobody is at its other end: `through` of a start. */
const SET_UP = [
  'ip link set lo up',
  'ip link add eth0 type veth peer name eth1',
  'ip address add 192.0.2.5/24 dev eth0',
  'ip link set eth0 up',
  'ip link set eth1 up',
  'exec "$@"',
].join(' && ');

export const LONE_HOST = ['unshare', '--net', 'sh', '-c', SET_UP, 'sh'] as const;
