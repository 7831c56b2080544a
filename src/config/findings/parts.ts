import type { Entry } from './entry.ts';

/** The shape of each part. */
export const PARTS = {
  'unknown-key': {
    severity: 'error',
    message: 'there is no key `<key>` <place>',
    remedy: '<fix>',
  },
  'missing-key': {
    severity: 'error',
    message: '<place> has no `<key>`',
    remedy: 'add <fix>',
  },
  'no-value': {
    severity: 'error',
    message: '<key> has no value',
    remedy: '<fix>',
  },
  'wrong-type': {
    severity: 'error',
    message: '<place> is <actual>, but should be <expected>',
    remedy: '<fix>',
  },
  'not-a-choice': {
    severity: 'error',
    message: '<value> is not one of the choices',
    remedy: '<fix>',
  },
  'out-of-range': {
    severity: 'error',
    message: '<value> is out of range',
    remedy: 'write <kind> from <min> to <max>',
  },
  'empty-list': {
    severity: 'error',
    message: 'the list is empty',
    remedy: '<fix>',
  },
  'empty-text': {
    severity: 'error',
    message: 'the text is empty',
    remedy: 'write something, or leave the key out',
  },
  'alpn-protocol': {
    severity: 'error',
    message: '<value> is not the name of a protocol (ALPN)',
    remedy: 'write it with up to 255 letters, digits and signs, for example acme-tls/1',
  },
  'bad-duration': {
    severity: 'error',
    message: '<value> is not a duration',
    remedy: '<fix>',
    about: 'A whole number and one unit: 500ms, 10s, 5m, 1h.',
  },
  'bad-size': {
    severity: 'error',
    message: '<value> is not a size',
    remedy: '<fix>',
    about: 'A number of bytes, or a whole number and one unit: 16KiB, 1MiB, 1GiB. KiB is 1024 bytes.',
  },
  'bad-name': {
    severity: 'error',
    message: '<value> is not a name',
    remedy: 'write up to 63 letters, digits, `_`, `.` and `-`, beginning with a letter or digit',
    about: 'Names appear in logs, metrics and URLs.',
  },
  'bad-bind': {
    severity: 'error',
    message: '<value> is not an address to listen on',
    remedy: '<fix>',
  },
  'bad-server': {
    severity: 'error',
    message: '<value> is not the address of a server',
    remedy: '<fix>',
  },
  'bad-unix-path': {
    severity: 'error',
    message: '<value> is not a Unix socket',
    remedy: 'write unix: and an absolute path of at most 107 bytes, for example "unix:/run/app.sock"',
  },
  'bad-ip': {
    severity: 'error',
    message: '<value> is not an IP address',
    remedy: 'write for example 192.0.2.1 or "2001:db8::1", without port or prefix length',
  },
  'bad-cidr': {
    severity: 'error',
    message: '<value> is not an address with a prefix length',
    remedy: '<fix>',
  },
  'bad-url': {
    severity: 'error',
    message: '<value> is not an HTTP URL',
    remedy: '<fix>',
  },
  'bad-collector': {
    severity: 'error',
    message: '<value> is not the URL of a collector',
    remedy: 'write for example http://127.0.0.1:4318/v1/traces',
  },
  'bad-list-url': {
    severity: 'error',
    message: '<value> is not the URL of a list of servers',
    remedy: 'write http or https, a host and a path, without a user, for example http://192.0.2.80/servers.json',
  },
  'bad-etcd-url': {
    severity: 'error',
    message: '<value> is not the URL of a member of an etcd cluster',
    remedy: 'write for example https://192.0.2.21:2379',
  },
  'lease-preempts': {
    severity: 'error',
    message: 'a node does not take a lease from the one that holds it, so that `preempt` has no effect',
    remedy: 'write `preempt: false`',
  },
  'short-lease': {
    severity: 'error',
    message:
      '`ttl` is <ttl>, and with adverts every <advertise> it takes <least> until an address is gone and the lease was renewed',
    remedy: 'write at least <least>, or let adverts come more often',
  },
  'second-lease': {
    severity: 'error',
    message: 'another router of the group <group> has a lease (line <line>), and all of them are active together',
    remedy: 'leave one out',
  },
  'bad-https-origin': {
    severity: 'error',
    message: '<value> is not the address of a server that is asked in TLS',
    remedy: 'write https://, a host and a port, for example https://192.0.2.31:6443',
  },
  'bad-kubernetes-name': {
    severity: 'error',
    message: '<value> is not a name in Kubernetes',
    remedy: 'write at most 63 small letters, digits and `-`, beginning and ending with a letter or digit',
  },
  'bad-https-url': {
    severity: 'error',
    message: '<value> is not an HTTPS URL',
    remedy: 'write for example https://acme-v02.api.letsencrypt.org/directory',
  },
  'bad-host': {
    severity: 'error',
    message: '<value> is not a host pattern',
    remedy: '<fix>',
  },
  'bad-dns-name': {
    severity: 'error',
    message: '<value> is not a name of the DNS',
    remedy: '<fix>',
  },
  'bad-path': {
    severity: 'error',
    message: '<value> cannot be a path here',
    remedy: '<fix>',
  },
  'bad-regex': {
    severity: 'error',
    message: 'the regular expression <value> does not compile: <reason>',
    remedy: '<fix>',
  },
  'capital-in-host': {
    severity: 'error',
    message: '`<letter>` in the regular expression <value> never matches: names of hosts are compared in small letters',
    remedy: 'write `<fix>`',
  },
  'costly-regex': {
    severity: 'error',
    message: 'the regular expression <value> cannot be matched in linear time: <reason>',
    remedy: '<fix>',
    about:
      'Who sends a request chooses what is matched. An expression that takes longer than linear time for some text would let ' +
      'one request stop all others.',
  },
  'bad-method': {
    severity: 'error',
    message: '<value> is not a method',
    remedy: '<fix>',
  },
  'bad-header-name': {
    severity: 'error',
    message: '<value> is not a name of a header field',
    remedy: '<fix>',
  },
  'bad-media-type': {
    severity: 'error',
    message: '<value> is not a media type',
    remedy: 'write for example text/css, without parameters',
  },
  'bad-header-value': {
    severity: 'error',
    message: '<value> cannot be the value of a header field',
    remedy: '<fix>',
  },
  'bad-term': {
    severity: 'error',
    message: '<value> is no term',
    remedy: 'write for example `30d`, `1h 30m`, `-1`, `epoch` or `max`; without `of: modified` also `@15h30m`',
  },
  'bad-placeholder': {
    severity: 'error',
    message: '<value> is no value of a request',
    remedy: '<fix>',
    about: 'Only a word in braces is a value; other braces, as in JSON, are text.',
  },
  'bad-network': {
    severity: 'error',
    message: '<value> is not a network',
    remedy: '<fix>',
  },
  'bad-status-range': {
    severity: 'error',
    message: '<value> is not a range of status codes',
    remedy: '<fix>',
  },
  'bad-redirect': {
    severity: 'error',
    message: '<value> is not a valid redirect target',
    remedy: '<fix>',
  },
  'tls-in-tls': {
    severity: 'error',
    message: 'listener <listener> passes TLS on to this upstream, which would put it into another TLS',
    remedy: 'leave `tls` out: clients speak TLS with the servers themselves',
  },
  'datagram-circle': {
    severity: 'warning',
    message:
      'this server is listener `<listener>` of this file, and leads back to listener `<back>`: datagrams go round',
    remedy: 'write the address of the server itself',
    about: 'Each round is another session, until there are as many as there may be.',
  },
  'late-value-mixed': {
    severity: 'error',
    message: 'the value <name> is made of what a response says, and <value> is not known any more then',
    remedy: 'use values of the response, dates and text',
  },
  'late-value-place': {
    severity: 'error',
    message: '<value> is made of what a response says, and nothing is known of that here',
    remedy: 'read it in `headers.response` or `headers.success`',
  },
  'bad-origin': {
    severity: 'error',
    message: '<value> is not an origin',
    remedy:
      'write scheme and host as browsers do, in small letters and without a path, for example https://app.example, or *',
  },
  'cors-any-credentials': {
    severity: 'error',
    message: 'pages of any origin cannot ask with `credentials`: browsers refuse that',
    remedy: 'name the origins',
    about: 'Fetch standard, section 3.2.5.',
  },
  'relative-redirect': {
    severity: 'warning',
    message: 'the redirect to <value> leads to another place for each path that is asked for',
    remedy: 'begin it with /, http:// or https://, unless that is meant',
    about: 'Clients take such a target for one beside the path of their request.',
  },
  'bad-share': {
    severity: 'error',
    message: '<value> is not a share',
    remedy: 'write a percentage from 0.01% to 100%, with at most two digits behind the point, for example 12.5%',
  },
  'bad-variable': {
    severity: 'error',
    message: '<value> is not a name of a value',
    remedy: 'begin it with a letter and use letters, digits, `_` and `-`',
  },
  'bad-interface': {
    severity: 'error',
    message: '<value> is not a name of a network interface',
    remedy: 'write at most 15 characters without spaces, for example eth0',
  },
  'bad-address-label': {
    severity: 'error',
    message: '<value> cannot be the label of an address',
    remedy: 'write at most 15 characters without spaces, for example eth0:1',
  },
  'bad-file-name': {
    severity: 'error',
    message: '<value> is not the name of a file in a folder',
    remedy: 'write a name without a slash',
  },
  'undefined-types': {
    severity: 'error',
    message: '`files.types` has no table with the name <value>',
    remedy: '<fix>',
  },
  'no-files-user': {
    severity: 'warning',
    message: 'there is no user <user>: the user of the proxies reads files',
    remedy: 'write a user of this machine',
  },
  'no-such-root': {
    severity: 'warning',
    message: 'the folder <value> <reason>: what would be answered from there is 404',
    remedy: '<fix>',
  },
  'bad-file': {
    severity: 'error',
    message: '<value> is not an absolute path of a file',
    remedy: 'begin it with /',
  },
  'bad-path-of-file': {
    severity: 'error',
    message: '<value> is not the path of a file',
    remedy: '<fix>',
  },
} as const satisfies Readonly<Record<string, Entry>>;
