/**
 * Everything that can be wrong with a configuration: stable codes, what is said, what to write instead. Words in <angle
 * brackets> are filled in. Codes are in scripts and in search engines: they may be added, and never change their meaning.
 * The page docs/reference/errors.md is made from this.
 */

/** `unsupported`: understood, right, and not built yet. */
export type Severity = 'error' | 'warning' | 'unsupported';

interface Entry {
  readonly severity: Severity;
  readonly message: string;
  readonly remedy: string;
  /** For the reference page: why it is so, where the message does not say it. */
  readonly about?: string;
}

export const CATALOGUE = {
  // The text itself.
  'yaml-syntax': {
    severity: 'error',
    message: 'this is not YAML: <reason>',
    remedy: '<fix>',
    about: 'What stands after the first such error is checked only when it is repaired.',
  },
  'yaml-empty': {
    severity: 'error',
    message: 'the file is empty',
    remedy: 'begin with `listeners:` and `upstreams:`',
  },
  'yaml-undefined-alias': {
    severity: 'error',
    message: '`*<name>` without quotes is an alias, and there is no anchor `&<name>` above it',
    remedy: 'if it is text, quote it: "*<name>"',
    about: 'In YAML a value that begins with `*` is an alias. `*:80` and `*.shop.example` need quotes.',
  },
  'yaml-alias-loop': {
    severity: 'error',
    message: '`*<name>` is inside the anchor `&<name>` that it refers to',
    remedy: 'write the value itself',
  },
  'yaml-too-large': {
    severity: 'error',
    message: '<what>',
    remedy: 'write less: <limit>',
    about: 'Bounds, so that a file of a few lines cannot take all memory through aliases or nesting.',
  },
  'yaml-tag': {
    severity: 'error',
    message: 'the tag <tag> is not supported',
    remedy: 'leave it out',
  },
  'yaml-directive': {
    severity: 'error',
    message: 'the file asks for YAML <version>',
    remedy: 'leave the %YAML line out: it is read as YAML 1.2',
    about: 'In YAML 1.1 `on` and `yes` are booleans and `22:22` is a number.',
  },
  'yaml-documents': {
    severity: 'error',
    message: 'a second document begins here',
    remedy: 'leave the `---` out, or put what follows into a file of its own',
  },
  'yaml-key': {
    severity: 'error',
    message: '<value> cannot be a key',
    remedy: 'write a word and a colon',
  },
  'yaml-merge': {
    severity: 'error',
    message: 'the merge key has <value>',
    remedy: 'give it an alias of a map (`*name`), or a list of such aliases',
  },
  'duplicate-key': {
    severity: 'error',
    message: '`<key>` is a duplicate; the first is on line <line>',
    remedy: 'keep one of them',
  },

  'in-two-files': {
    severity: 'error',
    message: '`<what>` is already at <other>',
    remedy: 'keep one of them, or give one another name: several files are one configuration',
  },

  // The directives of nginx.conf and keepalived.conf.
  'directive-wrong': {
    severity: 'error',
    message: '<reason>',
    remedy: '<fix>',
    about: 'nginx would not start with it either; keepalived would only log it and leave it out.',
  },
  'unknown-directive': {
    severity: 'error',
    message: 'there is no keyword `<keyword>` <where>',
    remedy: '<fix>',
  },
  'bad-argument': {
    severity: 'error',
    message: '<value> cannot be the value of `<keyword>`',
    remedy: '<fix>',
  },
  'directive-refused': {
    severity: 'error',
    message: '`<keyword>` is not supported: <reason>',
    remedy: '<fix>',
  },
  'directive-trap': {
    severity: 'warning',
    message: '<what>',
    remedy: '<fix>',
    about: 'It has the meaning that it has for nginx or keepalived, which may not be what was meant.',
  },
  'directive-left-out': {
    severity: 'warning',
    message: 'this version goes without <keywords>: <reason>',
    remedy: 'nothing has to be done: everything else runs',
  },
  'directives-without-effect': {
    severity: 'warning',
    message: 'these have no effect: <keywords>',
    remedy: 'they can stay: they are for <program> alone (docs/reference/<program>-conf.md)',
  },
  'directive-not-yet': {
    severity: 'unsupported',
    message: '<what> is not supported yet: <reason>',
    remedy: '<fix>',
    about: 'It protects something or changes what the file means, so that the file is not run without it.',
  },

  // The shape of each part.
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

  // What has to fit together: listeners and routes.
  'undefined-upstream': {
    severity: 'error',
    message: 'there is no upstream <value>',
    remedy: '<fix>',
  },
  'named-by-request': {
    severity: 'error',
    message: 'the upstream <value> leaves it to requests where they go, and cannot be named by one',
    remedy: 'name one with `servers`',
  },
  'undefined-route': {
    severity: 'error',
    message: 'no route of this listener has the name <value>',
    remedy: 'give the route that is meant this `name`',
  },
  'name-taken': {
    severity: 'error',
    message: 'another route of this listener has the name <value> already',
    remedy: 'give each its own name',
  },
  'undefined-value': {
    severity: 'error',
    message: 'there is no value <value>',
    remedy: '<fix>',
  },
  'undefined-log': {
    severity: 'error',
    message: 'there is no access log <value>',
    remedy: '<fix>',
  },
  'value-of-request': {
    severity: 'error',
    message: '<value> is known of a request, and a listener of TCP sees none',
    remedy: 'use a value of the connection: `{client}`, `{local-port}`, `{tls-server-name}` or the like',
  },
  'bad-syslog-tag': {
    severity: 'error',
    message: '<value> cannot be the tag of a message',
    remedy: 'write up to 48 characters of visible ASCII, without `:`, `[` and `]`',
  },
  'log-of-requests': {
    severity: 'error',
    message: 'the log <log> has <value>, which is known of requests, and a session of TCP or UDP is none',
    remedy: 'name a log with `format: json`, or with values of connections alone',
  },
  'value-circle': {
    severity: 'error',
    message: 'the value <value> is made of itself',
    remedy: 'take `{value:...}` out of one of the values that it is made of',
  },
  'shares-over': {
    severity: 'error',
    message: 'the shares are <sum> together',
    remedy: 'write shares of 100% at most',
  },
  'duplicate-bind': {
    severity: 'error',
    message: '<value> is already used by listener `<other>` on line <line>',
    remedy: 'listen on another address or port here, or put the routes into one listener',
  },
  'overlapping-bind': {
    severity: 'error',
    message: '<value> overlaps <wide> of listener `<other>` on line <line>',
    remedy: 'use another port for one of them, or write single addresses instead of the wildcard',
  },
  'wrong-protocol': {
    severity: 'error',
    message: '`<key>` is not allowed with `protocol: <protocol>`',
    remedy: '<fix>',
  },
  'needs-one': {
    severity: 'error',
    message: '<place> needs one of <choices>',
    remedy: 'add one',
  },
  'only-one': {
    severity: 'error',
    message: '<place> has <given>, and can have only one of them',
    remedy: 'keep one',
  },
  'no-effect': {
    severity: 'error',
    message: '`<key>` has no effect here: <reason>',
    remedy: '<fix>',
    about: 'Nothing that is written is ignored silently.',
  },
  'bad-fingerprint': {
    severity: 'error',
    message: '<value> is no fingerprint',
    remedy: 'write what `evenkeel identity` says on that node: sha256: and 43 characters',
  },
  'bad-peer-address': {
    severity: 'error',
    message: '<value> is not an IP address with a port',
    remedy: 'write for example 192.0.2.11:7946',
  },
  'admin-not-loopback': {
    severity: 'error',
    message: '`admin.bind` is <value>, and without `tls` the admin API is served on loopback alone',
    remedy: '<fix>',
    about: 'Elsewhere tokens would be read on the way.',
  },
  'server-is-admin': {
    severity: 'error',
    message: 'this server is `admin.bind`: clients would be shown what programs of this machine are',
    remedy: 'write the address of the server itself; ask the admin API from elsewhere by `ssh -L`',
  },
  'peer-twice': {
    severity: 'error',
    message: '<other> has the <key> <value> already',
    remedy: 'write the one of this node: each has its own',
  },
  'acme-challenge': {
    severity: 'error',
    message: '`challenge: <challenge>` cannot be answered: <reason>',
    remedy: '<fix>',
  },
  'acme-conflict': {
    severity: 'error',
    message: 'the certificate of <name> is asked for here and in line <line>, and not in the same way',
    remedy: 'write the same in both places, for example by an anchor (`&site` there and `*site` here)',
  },
  'route-unreachable': {
    severity: 'warning',
    message: 'this route is unreachable: the one on line <line> matches all of its requests',
    remedy: 'put the more specific route first: the first match wins',
  },
  'rewrite-without-prefix': {
    severity: 'error',
    message: 'a path that matches by `regex` has no prefix that `rewrite.prefix` could replace',
    remedy: 'write `rewrite: { regex:, to: }`, or match a plain prefix',
  },
  'framing-header': {
    severity: 'error',
    message: "<value> controls the connection or the framing of the message, which is the proxy's task",
    remedy: 'leave it out',
    about: 'A field that contradicts the bytes that follow is how requests are smuggled (RFC 9112 section 11.2).',
  },
  'own-header': {
    severity: 'error',
    message: '<value> is written by the proxy itself here, and would be there twice',
    remedy: '<fix>',
  },
  'value-in-script': {
    severity: 'error',
    message: '<value> stands in a script, a style or the attribute of an event, where no escape makes it safe',
    remedy: 'put it into an attribute such as `data-value` and let the script read that',
  },
  'duplicate-header': {
    severity: 'error',
    message: '<value> is a duplicate; names of header fields are compared without case',
    remedy: 'keep one of them',
  },
  'body-not-allowed': {
    severity: 'error',
    message: 'a response with status <status> has no body',
    remedy: 'leave `body` out, or use status 200',
  },
  'too-large': {
    severity: 'error',
    message: '<what> would be <size> bytes, but the limit is <limit>',
    remedy: '<fix>',
  },
  'too-many': {
    severity: 'error',
    message: 'there are <count> <what>, but the limit is <limit>',
    remedy: 'write fewer, or divide them among more machines',
  },

  // Upstreams.
  'unused-upstream': {
    severity: 'warning',
    message: 'upstream `<name>` is not used',
    remedy: 'use it in a route or a listener, or remove it',
  },
  'mixed-upstream': {
    severity: 'error',
    message: 'upstream `<name>` is used for HTTP by listener `<http>` and for TCP by listener `<tcp>`',
    remedy: 'define two upstreams: timeouts mean different things for HTTP and for TCP',
  },
  'server-without-port': {
    severity: 'error',
    message: 'the server <value> has no port, and TCP has no default port',
    remedy: 'write it with its port, for example "<host>:3306"',
  },
  'bad-service': {
    severity: 'error',
    message: 'the server <value> has a `service`, whose SRV records say addresses and ports, and <reason>',
    remedy: '<fix>',
  },
  'bad-service-name': {
    severity: 'error',
    message: '<value> is no name of a service',
    remedy: 'write for example `http`, which is `_http._tcp`',
  },
  'duplicate-server': {
    severity: 'error',
    message: 'the server <value> is a duplicate; the first is on line <line>',
    remedy: 'keep one; for twice the share write `{ address: <address>, weight: 2 }`',
  },
  'only-backups': {
    severity: 'warning',
    message: 'every server of upstream `<name>` is a backup',
    remedy: 'leave `backup` out for those that are to be used first',
  },
  'kernel-balance': {
    severity: 'error',
    message: '`balance: <balance>` is not possible in kernel mode, as listener <listener> asks for',
    remedy:
      "leave it out, and each connection goes by its client's address and port; with `balance: source-hash` all of one client go to one server; or write `mode: relay`",
    about:
      'Whose turn it is, or who is busy, only this node knows. A node that takes over has to find the same server for a connection in the middle, from a packet alone.',
  },
  'not-forwarding': {
    severity: 'warning',
    message: 'this machine forwards no IPv<family> packets, and `mode: kernel` needs that',
    remedy: 'run `sysctl -w <setting>=1`, and write `<setting> = 1` into a file under /etc/sysctl.d',
  },
  'hash-without-key': {
    severity: 'error',
    message: '`balance: hash` does not say what to hash',
    remedy: 'add for example `hash: { header: X-User }`, or use `balance: source-hash` for the client address',
  },
  'key-without-hash': {
    severity: 'error',
    message: '`hash` has no effect with `balance: <balance>`',
    remedy: 'write `balance: hash`, or leave `hash` out',
  },
  'bad-rate': {
    severity: 'error',
    message: '<value> is not a rate',
    remedy: 'write requests per second or minute, from 1/m to 1000000/s, for example 10/s',
  },
  'undefined-limiter': {
    severity: 'error',
    message: 'there is no limiter <value>',
    remedy: '<fix>',
  },
  'bad-cookie-name': {
    severity: 'error',
    message: '<value> is not a name of a cookie',
    remedy: 'write letters, digits and -, for example server',
  },
  'bad-same-site': {
    severity: 'error',
    message: '<value> is not a value of SameSite',
    remedy: 'write strict, lax or none, or "" to leave it out',
  },
  'bad-server-id': {
    severity: 'error',
    message: '<value> is not an identifier of a server',
    remedy: 'write up to 128 characters that may stand in a cookie, for example node1',
  },
  'bad-mark': {
    severity: 'error',
    message: '<value> is not one character',
    remedy: 'write for example "."',
  },
  'sticky-without-id': {
    severity: 'error',
    message: '`sticky.id` leads nowhere: no server of upstream `<name>` has an `id`',
    remedy: 'write `{ address: ..., id: node1 }` for each server, or `sticky: { cookie: server }`',
  },
  'sticky-disabled': {
    severity: 'warning',
    message: 'the clients of this server move to others, and lose what it has of them: upstream `<name>` is sticky',
    remedy: 'drain it first: then they stay until they leave, and nobody new comes',
    about: '[When its server cannot](../sticky.md#when-its-server-cannot).',
  },
  'bad-quorum': {
    severity: 'error',
    message: 'the quorum cannot be: <reason>',
    remedy: '<fix>',
  },
  'slow-check': {
    severity: 'warning',
    message: 'a check may take <timeout>, longer than the <interval> from one to the next',
    remedy: 'write a shorter `timeout`, or a longer `interval`',
  },

  // Virtual routers and nodes.
  'node-without-value': {
    severity: 'error',
    message: '<place> has no value for node `<node>`; it has one for <nodes>',
    remedy: 'add `<node>: ...`, or write one value for all nodes',
  },
  'duplicate-router-id': {
    severity: 'error',
    message: 'router-id <value> is already used by `<other>` on the same interface',
    remedy: 'write another one from 1 to 255',
  },
  'duplicate-address': {
    severity: 'error',
    message: 'the address <value> is also in <place>',
    remedy: 'keep one of them',
  },
  'mixed-families': {
    severity: 'error',
    message: 'a virtual router has IPv4 addresses or IPv6 addresses, not both',
    remedy: 'write a second virtual router for <value>; it may have the same router-id',
  },
  'too-many-advertised': {
    severity: 'error',
    message: 'there are <count> addresses, and an advert has room for <limit>',
    remedy: '<fix>',
  },
  'large-adverts': {
    severity: 'warning',
    message: 'an advert with these addresses has <bytes> bytes, and most interfaces send no more than <mtu>',
    remedy: '<fix>',
    about:
      'Adverts are not fragmented. Where the MTU of the interface is smaller than the advert, the node is in fault.',
  },
  'adverts-exceed-mtu': {
    severity: 'warning',
    message: 'an advert with these addresses has <bytes> bytes, and the MTU of <value> is <mtu>: the node is in fault',
    remedy: 'write some of them in `excluded`, or raise the MTU',
  },
  'vrrp-version': {
    severity: 'error',
    message: '<what> with VRRP version <version>',
    remedy: '<fix>',
  },
  'route-family': {
    severity: 'error',
    message: '<value> is of IPv<family>, and <other> is of IPv<expected>',
    remedy: 'write one of the same family',
  },
  'route-without-way': {
    severity: 'error',
    message: 'nothing says where <value> leads',
    remedy: 'write `via`, `interface`, or another `type`, for example `blackhole`',
  },
  'duplicate-routing': {
    severity: 'error',
    message: '<value> is also in <place>',
    remedy: 'keep one of them: when either router gives its addresses up, it is gone',
  },
  'not-a-host-address': {
    severity: 'error',
    message: '<value> is <what>',
    remedy: 'write the address that clients are to use, for example 192.0.2.3/24',
  },
  'wrong-family': {
    severity: 'error',
    message: '<value> is an IPv<family> address, and those of this virtual router are IPv<other>',
    remedy: 'write an IPv<other> address',
  },
  'only-own-address': {
    severity: 'error',
    message: 'for <node>, `peers` has only its own `source`',
    remedy: "add the other nodes' addresses",
  },
  'virtual-address': {
    severity: 'error',
    message: '<value> is an address of this virtual router itself, which moves',
    remedy: 'write an address that stays on its machine',
  },
  'group-priorities': {
    severity: 'warning',
    message:
      '`<router>` and `<other>` are of the group `<group>` and have different priorities: all of a group advertise the lowest',
    remedy: 'write the same at all of them',
  },
  'same-priority': {
    severity: 'warning',
    message: 'nodes <nodes> have the same priority',
    remedy: 'write a different one for each',
    about: 'At equal priority the node with the higher address is active, which is nothing that anybody chose.',
  },
  'no-group': {
    severity: 'error',
    message: 'the virtual router is in no group',
    remedy: 'write `group` at the router, or `arguments: router`',
  },
  'lonely-group': {
    severity: 'warning',
    message: '`<router>` is the only virtual router of group `<group>`',
    remedy: 'leave `group` out, or write it at the others too',
  },
  'weight-without-preempt': {
    severity: 'warning',
    message: 'a weight has no effect while `preempt` is false: a node whose priority falls stays active',
    remedy: 'leave the weight out, so that it is a fault, or write `preempt: true`',
  },
  'unknown-node': {
    severity: 'error',
    message: 'this is node `<node>`, and the file has values for <nodes> only',
    remedy: '<fix>',
    about: 'Which node this is: `--node`, else `node:` in the file, else the host name.',
  },

  // The machine that is to run it. `evenkeel check --no-host` leaves these out.
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

export type Code = keyof typeof CATALOGUE;

type Gaps<Template extends string> = Template extends `${string}<${infer Name}>${infer Rest}`
  ? Name | Gaps<Rest>
  : never;

/** The words that a code's texts need. */
export type Args<C extends Code> = Readonly<
  Record<Gaps<(typeof CATALOGUE)[C]['message'] | (typeof CATALOGUE)[C]['remedy']>, string>
>;
