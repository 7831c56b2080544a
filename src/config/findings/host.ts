import type { Entry } from './entry.ts';

/** The machine that is to run it. `evenkeel check --no-host` leaves these out. */
export const HOST = {
  'user-file': {
    severity: 'error',
    message: 'the file of users <path> cannot be used: <reason>',
    remedy: '<fix>',
  },
  'network-list': {
    severity: 'error',
    message: 'the list of networks <path> cannot be used: <reason>',
    remedy: 'write a network or an address a line, with comments behind `#` or `;`',
    about: 'A list that is half right would keep out half of those whom it is for.',
  },
  'token-keys': {
    severity: 'error',
    message: 'the keys of <path> cannot be used: <reason>',
    remedy: '<fix>',
  },
  'bad-token-key': {
    severity: 'warning',
    message: 'a key of <path> is not used: <reason>',
    remedy: 'nothing has to be done, if no token is signed with it',
  },
  'bad-hash': {
    severity: 'warning',
    message: '<who> cannot come: <reason>',
    remedy: 'make it anew: htpasswd -B <path> NAME, or openssl passwd -6',
    about: 'Everybody else of the file can. What is not understood lets nobody in.',
  },
  'key-file': {
    severity: 'error',
    message: 'the key file <path> cannot be used: <reason>',
    remedy: '<fix>',
  },
  'bad-certificate': {
    severity: 'error',
    message: 'the certificate <path> cannot be used: <reason>',
    remedy: '<fix>',
  },
  'bad-private-key': {
    severity: 'error',
    message: 'the private key <path> cannot be used: <reason>',
    remedy: '<fix>',
  },
  'key-mismatch': {
    severity: 'error',
    message: 'the private key <key> does not belong to the certificate <path>',
    remedy: '<fix>',
    about: 'A running evenkeel keeps the pair that it has until both files belong together.',
  },
  'open-private-key': {
    severity: 'warning',
    message: 'everybody on this machine can read the private key <path> (mode <mode>)',
    remedy: 'chmod 600 <path>; who has read it can pretend to be its owner',
  },
  'certificate-expired': {
    severity: 'warning',
    message: 'the certificate <path> has expired: it was valid until <date>',
    remedy: 'renew it: clients refuse it',
  },
  'certificate-not-yet-valid': {
    severity: 'warning',
    message: 'the certificate <path> is valid from <date> on',
    remedy: 'wait until then, or correct the time of this machine: clients refuse it',
  },
  'certificate-chain': {
    severity: 'warning',
    message: 'the file <path> has no complete chain: <reason>',
    remedy: '<fix>',
    about: 'Browsers often find what is missing, and programs do not.',
  },
  'certificate-name-taken': {
    severity: 'warning',
    message: 'the certificate <path> is not used for <names>: <other> is, which has the same kind of key',
    remedy: 'leave one of them out, or say with `names` which names each is for',
  },
  'certificate-without-names': {
    severity: 'warning',
    message: 'the certificate <path> has no name that clients could ask for, so that it is used for nobody',
    remedy: 'write its names with `names`, or put it first',
  },
  'must-staple': {
    severity: 'warning',
    message: 'the certificate <path> asks for OCSP stapling (must-staple), and there is no response to staple',
    remedy: 'name one with `ocsp`: clients that heed it refuse the certificate',
  },
  'bad-ocsp': {
    severity: 'warning',
    message: 'the OCSP response <path> is not stapled: <reason>',
    remedy: '<fix>',
    about:
      'The certificate is used without it. A running evenkeel keeps the response that it has for as long as that is valid.',
  },
  'bad-client-authority': {
    severity: 'error',
    message: 'clients cannot be judged by <path>: <reason>',
    remedy: '<fix>',
    about: 'A running evenkeel keeps what it has until the file can be used.',
  },
  'client-authority': {
    severity: 'warning',
    message: 'clients are judged by <path>, and <reason>',
    remedy: '<fix>',
  },
  'client-policies-differ': {
    severity: 'error',
    message: 'the certificates <path> and <other> are both for <names>, and ask clients for different certificates',
    remedy: 'write the same `client-certificate` at both',
  },
  'bad-acme-file': {
    severity: 'error',
    message: '<what> <path> cannot be used: <reason>',
    remedy: '<fix>',
  },
  'bad-ticket-file': {
    severity: 'error',
    message: 'keys for session tickets cannot be had from <path>: <reason>',
    remedy: '<fix>',
    about: 'A running evenkeel keeps what it has until the file can be used.',
  },
  'open-ticket-file': {
    severity: 'warning',
    message: 'everybody on this machine can read <path>, which keys for session tickets are made of (mode <mode>)',
    remedy: 'chmod 600 <path>; who has read it can read what was recorded of resumed sessions',
  },
  'bad-authority': {
    severity: 'error',
    message: 'the certificates of authorities <path> cannot be used: <reason>',
    remedy: '<fix>',
  },
  'authority-expired': {
    severity: 'warning',
    message: 'the authority "<authority>" in <path> has expired: it was valid until <date>',
    remedy: 'write the one that has followed it: no certificate that it has issued is believed',
  },
  'bad-revocations': {
    severity: 'error',
    message: 'the list of revoked certificates <path> cannot be used: <reason>',
    remedy: '<fix>',
  },
  'revocations-expired': {
    severity: 'warning',
    message: 'the list of "<issuer>" in <path> has expired: the next one was due at <date>',
    remedy: 'get the next one: no certificate that this one has issued is believed',
  },
  'bad-tls-setting': {
    severity: 'error',
    message: 'OpenSSL does not take <value> as <what>: <reason>',
    remedy: '<fix>',
  },
  'missing-rights': {
    severity: 'error',
    message: '<what> needs <rights>, which this process does not have',
    remedy: 'run it as root, or with <grant>',
  },
  'cannot-listen': {
    severity: 'warning',
    message: '<value> cannot be listened on: <reason>',
    remedy: '<fix>',
    about: 'The other listeners serve meanwhile.',
  },
  'cannot-open-log': {
    severity: 'error',
    message: '<value> cannot be written to: <reason>',
    remedy: 'make its folder, or give the user that runs evenkeel the right to write there',
  },
  'set-by-api': {
    severity: 'warning',
    message:
      'the evenkeel that runs here (pid <pid>) goes by a configuration that was set by the API at <time>, and not by this file',
    remedy: '`evenkeel config diff` shows what differs, `evenkeel config reset` has it go by the file',
    about: 'What was set goes before the files until it is given up. Once a file was edited, a reload is refused.',
  },
  'takes-restart': {
    severity: 'error',
    message:
      '<what> is another one than that of the evenkeel that runs here (pid <pid>), which refuses to reload this file',
    remedy: 'restart or upgrade that one when all else is right',
    about: 'A reload does not change it. `--no-host` checks the file without what runs here.',
  },
  'no-room-for-workers': {
    severity: 'error',
    message: 'the evenkeel that runs here (pid <pid>) has room for <limit> proxies, and refuses to reload this file',
    remedy: 'write at most <limit>, or restart or upgrade that one when all else is right',
    about: '`--no-host` checks the file without what runs here.',
  },
  'cannot-listen-now': {
    severity: 'error',
    message: '<value> cannot be listened on: <reason>',
    remedy: '<fix>',
    about:
      'An evenkeel runs here. A start would serve the other listeners, but a reload changes everything or nothing.',
  },
  'nothing-to-listen-on': {
    severity: 'error',
    message: 'no listener can be opened on this machine',
    remedy: 'the warning at each of them says why',
  },
  'foreign-address': {
    severity: 'warning',
    message: '<value> is neither an address of this machine nor a virtual address of this file',
    remedy: 'write one that is, or "*:<port>" for all of them',
    about: 'The listener is opened all the same, and accepts connections as soon as the address is there.',
  },
  'foreign-kernel-address': {
    severity: 'warning',
    message: '<value> is neither an address of this machine nor a virtual address of this file',
    remedy: 'write the one that clients connect to',
    about: 'In kernel mode. What comes for it is forwarded all the same, as soon as the address is there.',
  },
  'unresolved-name': {
    severity: 'warning',
    message: 'the name <value> does not resolve: <reason>',
    remedy: 'correct it, or add it to DNS or /etc/hosts; no traffic is sent to it until it resolves',
  },
  'unverified-servers': {
    severity: 'warning',
    message:
      'who the servers of <name> are is not verified: anybody on the way to them can read and change what is sent',
    remedy:
      'say with `ca` whose certificates are believed (in nginx.conf `proxy_ssl_trusted_certificate`, with `proxy_ssl_verify on`); one that nobody ' +
      'has issued can be its own `ca`',
  },
  'server-without-name': {
    severity: 'error',
    message: '<value> has no name that its certificate could be for',
    remedy: 'write it with `server-name`',
  },
  'unused-source': {
    severity: 'warning',
    message: 'no server of this upstream has an IPv<family> address',
    remedy: "write an address of the servers' family, or leave it out",
  },
  'no-such-source': {
    severity: 'warning',
    message: '<value> is not an address of this machine',
    remedy: 'write one that is, or add it to an interface; no connection comes from it until it is there',
  },
  'no-such-advert-source': {
    severity: 'warning',
    message: '<value> is not an address of <interface>',
    remedy: 'write one that is, or leave it out for the first one; the virtual router is in fault until it is there',
  },
  'no-interface': {
    severity: 'warning',
    message: 'this machine has no network interface <value>; it has <others>',
    remedy: 'write one that is there; the virtual router is in fault until it is',
  },
  'no-announce-interface': {
    severity: 'warning',
    message: 'this machine has no network interface <value>; it has <others>',
    remedy: '`ip link add <name> type dummy && ip link set <name> up`; nothing is announced until it is there',
  },
  'announce-interface-with-neighbours': {
    severity: 'warning',
    message: '<value> has neighbours, who would find each of these addresses on each node',
    remedy: 'write an interface of type dummy, which is of no network',
  },
  'no-answer-of-bird': {
    severity: 'warning',
    message: 'BIRD does not answer at <path>: <reason>',
    remedy: '<fix>',
  },
  'no-bgp-session': {
    severity: 'warning',
    message: 'BIRD at <path> tells nobody of routes: <reason>',
    remedy: '<fix>',
  },
  'bad-program': {
    severity: 'warning',
    message: '<path> cannot be run: <reason>',
    remedy: '<fix>',
  },
  'bad-proxy-user': {
    severity: 'error',
    message: 'the proxies cannot run as <user>: <reason>',
    remedy: '<fix>',
    about: 'A proxy reads what strangers send. Its user owns nothing and is shared with nobody.',
  },
  'bad-user': {
    severity: 'warning',
    message: 'no program can be run as <user>: <reason>',
    remedy: '<fix>',
  },
} as const satisfies Readonly<Record<string, Entry>>;
