/**
 * Mistakes that people make, one at a time in the shipped example: each is said once, at its place, with what to write
 * instead.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatDiagnostic } from '../../src/config/findings/diagnostic.ts';
import { loadYaml } from '../../src/config/yaml/load.ts';

const EXAMPLE = readFileSync(new URL('../../../examples/evenkeel.yaml', import.meta.url), 'utf8');

/** What is in the example, what somebody wrote there, and everything that is said. */
const MISTAKES: readonly [text: string, mistake: string, said: string][] = [
  [
    '    protocol: http   ',
    '\tprotocol: http   ',
    '8:1: this is not YAML: a tab is used to indent; indent with spaces [yaml-syntax]',
  ],
  [
    '    balance: round-robin',
    '\tbalance: round-robin',
    '30:1: this is not YAML: a tab is used to indent; indent with spaces [yaml-syntax]',
  ],
  [
    '    balance: round-robin',
    '  \tbalance: round-robin',
    '30:3: this is not YAML: a tab is used to indent; indent with spaces [yaml-syntax]',
  ],
  [
    '      - 192.168.15.7:80',
    '\t  - 192.168.15.7:80',
    '32:1: this is not YAML: a tab is used to indent; indent with spaces [yaml-syntax]',
  ],
  [
    '  web:\n    bind: "*:80"',
    '  - web:\n    bind: "*:80"',
    '6:3: this is not YAML: a list begins here, and `mysql:` on line 25 goes on as a map; write `web:` without `- ` [yaml-syntax]',
  ],
  [
    '      - match: { host: [shop.example',
    '        match: { host: [shop.example',
    '12:9: this is not YAML: this belongs to a list, and does not begin with `- `; write `- match:` in column 7, like line 20 [yaml-syntax]',
  ],
  [
    'servers: [ "192.168.15.7:22" ]',
    'servers: { a: "192.168.15.7:22" }',
    '50:10: `upstreams.ssh.servers` is a map, but should be a list; write for example [ "192.0.2.1:80" ] [wrong-type]',
  ],
  [
    'servers: [ "192.168.15.7:22" ]',
    'servers: "192.168.15.7:22"',
    '50:19: `upstreams.ssh.servers` is the text `192.168.15.7:22`, but should be a list; write [ "192.168.15.7:22" ] [wrong-type]',
  ],
  [
    'servers: [ "172.16.1.51:3306", "172.16.1.52:3306", "172.16.1.53:3306" ]',
    'servers: "172.16.1.51:3306, 172.16.1.52:3306"',
    '46:14: `upstreams.mysql.servers` is the text `172.16.1.51:3306, 172.16.1.52:3306`, but should be a list; write [ "172.16.1.51:3306", "172.16.1.52:3306" ] [wrong-type]',
  ],
  [
    '{ head: 10s, body: 30s, idle: 75s }',
    '{ head: 10s body: 30s, idle: 75s }',
    '9:27: this is not YAML: a comma is missing before `body:`; write `10s, body:` [yaml-syntax]',
  ],
  [
    '{ address: "192.168.15.8:80", weight: 2,',
    '{ address: "192.168.15.8:80" weight: 2,',
    '33:38: this is not YAML: a comma is missing before `weight:`; write `"192.168.15.8:80", weight:` [yaml-syntax]',
  ],
  [
    'bind: "*:3306", protocol: tcp',
    'bind: "*:3306" protocol: tcp',
    '25:27: this is not YAML: a comma is missing before `protocol:`; write `"*:3306", protocol:` [yaml-syntax]',
  ],
  [
    '"172.16.1.51:3306", "172',
    '"172.16.1.51:3306" "172',
    '46:35: this is not YAML: a comma is missing before `"172.16.1.52:3306",`; write `"172.16.1.51:3306", "172.16.1.52:3306",` [yaml-syntax]',
  ],
  [
    '[shop.example, "*.shop.example"]',
    '[shop.example "*.shop.example"]',
    '12:25: `shop.example "*.shop.example"` is not a host pattern; write [ "shop.example", "*.shop.example" ] [bad-host]',
  ],
  [
    'idle: 75s }',
    'idle: 75s',
    '9:15: this is not YAML: a `[` or `{` list is not closed, or a comma is missing in it; close it with `]` or `}`, put commas between its parts, and indent its lines more than the key [yaml-syntax]',
  ],
  [
    '"172.16.1.53:3306" ]',
    '"172.16.1.53:3306"',
    '46:14: this is not YAML: a `[` or `{` list is not closed, or a comma is missing in it; close it with `]` or `}`, put commas between its parts, and indent its lines more than the key [yaml-syntax]',
  ],
  [
    'idle: 75s }',
    'idle: 75s } }',
    '9:51: this is not YAML: there is one `}` too many; remove it, or open it before [yaml-syntax]',
  ],
  [
    'bind: "*:80"  ',
    'bind: 2001:db8::1:80  ',
    '7:11: `2001:db8::1:80` is not an address to listen on; write "[2001:db8::1]:80" [bad-bind]',
  ],
  [
    'bind: "*:80"  ',
    'bind: "2001:db8::1:80"  ',
    '7:11: `2001:db8::1:80` is not an address to listen on; write "[2001:db8::1]:80" [bad-bind]',
  ],
  ['bind: "*:80"  ', 'bind: ":::80"  ', '7:11: `:::80` is not an address to listen on; write "[::]:80" [bad-bind]'],
  [
    'bind: "*:80"  ',
    'bind: [::]:80  ',
    '7:15: this is not YAML: `[` begins a list, and something follows its `]`; put the value in quotes: "[::]:80" [yaml-syntax]',
  ],
  [
    'bind: "*:3306"',
    'bind: [::]:3306',
    '25:18: this is not YAML: a `[` or `{` list is not closed, or a comma is missing in it; an IPv6 address needs quotes: "[::]:3306" [yaml-syntax]',
  ],
  [
    '- 192.168.15.7:80',
    '- 2001:db8::7:80',
    '32:9: `2001:db8::7:80` is not the address of a server; write "[2001:db8::7]:80" [bad-server]',
  ],
  [
    '- 192.168.15.7:80',
    '- 2001:db8::7',
    '32:9: `2001:db8::7` is not the address of a server; write "[2001:db8::7]:80" [bad-server]',
  ],
  [
    '- 192.168.15.7:80',
    '- [2001:db8::7]:80',
    '32:22: this is not YAML: `[` begins a list, and something follows its `]`; put the value in quotes: "[2001:db8::7]:80" [yaml-syntax]',
  ],
  [
    'protocol: http ',
    'protocol: https ',
    '8:15: `https` is not one of the choices; write http, and `tls: { certificate: site.pem, key: site.key }` beside it [not-a-choice]',
  ],
  [
    'protocol: http ',
    'protocol: tls ',
    '8:15: `tls` is not one of the choices; write http or tcp, and `tls: { certificate: site.pem, key: site.key }` beside it [not-a-choice]',
  ],
  [
    'protocol: tcp, upstream: mysql',
    'protocol: mysql, upstream: mysql',
    '25:38: `mysql` is not one of the choices; write tcp [not-a-choice]',
  ],
  [
    'balance: least-connections',
    'balance: leastconn',
    '45:14: `leastconn` is not one of the choices; write least-connections [not-a-choice]',
  ],
  [
    'balance: round-robin',
    'balance: roundrobin',
    '30:14: `roundrobin` is not one of the choices; write round-robin [not-a-choice]',
  ],
  ['balance: round-robin', 'balance: rr', '30:14: `rr` is not one of the choices; write round-robin [not-a-choice]'],
  [
    'balance: round-robin',
    'balance: ip_hash',
    '30:14: `ip_hash` is not one of the choices; write source-hash [not-a-choice]',
  ],
  [
    'balance: round-robin',
    'balance: source',
    '30:14: `source` is not one of the choices; write source-hash [not-a-choice]',
  ],
  [
    'balance: round-robin',
    'balance: random',
    '30:14: `random` is not one of the choices; write random-two [not-a-choice]',
  ],
  [
    'balance: round-robin',
    'balance: sticky',
    '30:14: `sticky` is not one of the choices; leave it out, and write `sticky: { cookie: server }` beside it [not-a-choice]',
  ],
  [
    'bind: "*:80"',
    'bind: *:80',
    '7:11: `*:80` without quotes is an alias, and there is no anchor `&:80` above it; if it is text, quote it: "*:80" [yaml-undefined-alias]',
  ],
  ['bind: "*:80"', 'bind: 80', '7:11: `80` is not an address to listen on; write "*:80" [bad-bind]'],
  ['bind: "*:80"', 'bind: :80', '7:11: `:80` is not an address to listen on; write "*:80" [bad-bind]'],
  [
    'bind: "*:80"',
    'bind: "*:99999"',
    '7:11: `*:99999` is not an address to listen on; write a port from 1 to 65535 [bad-bind]',
  ],
  [
    'bind: "*:80"',
    'bind: 0.0.0.0',
    '7:11: `0.0.0.0` is not an address to listen on; write "0.0.0.0:80", with a port [bad-bind]',
  ],
  [
    'bind: "*:80"',
    'bind: 192.168.15.3/24:80',
    '7:11: `192.168.15.3/24:80` is not an address to listen on; write "192.168.15.3:80" [bad-bind]',
  ],
  [
    'bind: "*:80"',
    'bind: "*:80, *:81"',
    '7:11: `*:80, *:81` is not an address to listen on; write [ "*:80", "*:81" ] [bad-bind]',
  ],
  ['bind: "*:80"', 'bind: http://*:80', '7:11: `http://*:80` is not an address to listen on; write "*:80" [bad-bind]'],
  [
    '    protocol: http',
    '    protocol = http',
    '8:5: this is not YAML: a key is followed by a colon and not by `=`; write `protocol: http` [yaml-syntax]',
  ],
  [
    '  web:\n    bind: "*:80"',
    '  web:\n   bind: "*:80"',
    '7:4: this is not YAML: `bind:` starts in column 4, and what it stands beside in column 5; move it to column 5 [yaml-syntax]',
  ],
  [
    '  web:\n    bind: "*:80"',
    '  web:\n     bind: "*:80"',
    '7:6: this is not YAML: `bind:` starts in column 6, and what it stands beside in column 5; move it to column 5 [yaml-syntax]',
  ],
  [
    '    protocol: http ',
    '   protocol: http ',
    '8:4: this is not YAML: `protocol:` starts in column 4, and what it stands beside in column 5; move it to column 5 [yaml-syntax]',
  ],
  [
    '    protocol: http ',
    '     protocol: http ',
    '8:6: this is not YAML: `protocol:` starts in column 6, and what it stands beside in column 5; move it to column 5 [yaml-syntax]',
  ],
  [
    '  mysql: { bind',
    ' mysql: { bind',
    '25:2: this is not YAML: `mysql:` starts in column 2, and what it stands beside in column 3; move it to column 3 [yaml-syntax]',
  ],
  [
    'listeners:\n  web:',
    'listeners:\n web:',
    '6:2: this is not YAML: `web:` starts in column 2, and what it stands beside in column 3; move it to column 3 [yaml-syntax]',
  ],
  [
    'upstreams:\n',
    ' upstreams:\n',
    '28:2: this is not YAML: `upstreams:` starts in column 2, and what it stands beside in column 1; move it to column 1 [yaml-syntax]',
  ],
  [
    'node: lb01',
    ' node: lb01',
    '3:2: this is not YAML: `node:` starts in column 2, and what it stands beside in column 1; move it to column 1 [yaml-syntax]',
  ],
  [
    '      - match: { path: { exact: /old }',
    '     - match: { path: { exact: /old }',
    '20:6: this is not YAML: `match:` starts in column 6, and what it stands beside in column 7; move it to column 7 [yaml-syntax]',
  ],
  [
    '      - match: { path: { exact: /old }',
    '       - match: { path: { exact: /old }',
    '20:8: this is not YAML: `match:` starts in column 8, and what it stands beside in column 7; move it to column 7 [yaml-syntax]',
  ],
  [
    '- 192.168.15.7:80',
    '-192.168.15.7:80',
    '32:7: this is not YAML: there is no space after the `-`; write `- 192.168.15.7:80` [yaml-syntax]',
  ],
  [
    '        upstream: api',
    '       upstream: api',
    '13:8: this is not YAML: `upstream:` starts in column 8, and what it stands beside in column 9; move it to column 9 [yaml-syntax]',
  ],
  [
    'health: { mysql: evenkeel, interval: 2s }',
    'health: tcp',
    '47:13: `upstreams.mysql.health` is the text `tcp`, but should be a map; write { tcp: true } [wrong-type]',
  ],
  [
    'health: { mysql: evenkeel, interval: 2s }',
    'health: true',
    '47:13: `upstreams.mysql.health` is true, but should be a map; write `key: value` lines below it; what is possible: tcp, http, grpc, mysql, postgres, redis, ssh, dns, file, run, user, exit-weight, udp, expect, send, transport, method, host, status, body, address, port, also, tls, interval, timeout, rise, fall, retry-after, initial, jitter [wrong-type]',
  ],
  [
    'health: { http: /healthz, interval: 2s, timeout: 1s, rise: 2, fall: 3 }',
    'health: /healthz',
    '35:13: `upstreams.web.health` is the text `/healthz`, but should be a map; write { http: /healthz } [wrong-type]',
  ],
  [
    'http: /healthz',
    'http: http://x/healthz',
    '35:21: `http://x/healthz` cannot be a path here; write the path alone: /healthz [bad-path]',
  ],
  ['interval: 2s, timeout: 1s', 'interval: 2, timeout: 1s', '35:41: `2` is not a duration; write 2s [bad-duration]'],
  [
    'interval: 2s, timeout: 1s',
    'interval: 2sec, timeout: 1s',
    '35:41: `2sec` is not a duration; write 2s [bad-duration]',
  ],
  [
    'interval: 2s, timeout: 1s',
    'interval: 0.5s, timeout: 1s',
    '35:41: `0.5s` is not a duration; write 500ms [bad-duration]',
  ],
  ['timeout: 30s', 'timeout: 1m30s', '18:18: `1m30s` is not a duration; write 90s [bad-duration]'],
  ['head: 16KiB', 'head: 16k', '10:21: `16k` is not a size; write 16KiB [bad-size]'],
  ['head: 16KiB', 'head: 16 KiB', '10:21: `16 KiB` is not a size; write 16KiB [bad-size]'],
  ['body: 1GiB', 'body: 1GB', '10:48: `1GB` is not a size; write 1GiB [bad-size]'],
  [
    'connections: 20000',
    'connections: 20k',
    '10:67: `listeners.web.limits.connections` is the text `20k`, but should be a whole number; write 20000 [wrong-type]',
  ],
  [
    'connections: 20000',
    'connections: unlimited',
    '10:67: `listeners.web.limits.connections` is the text `unlimited`, but should be a whole number; write a whole number from 1 to 10000000 [wrong-type]',
  ],
  [
    'on: [connect, 502, 503]',
    'on: [connect, 5xx]',
    '19:45: `5xx` is not one of the choices; write each status: 500, 502, 503, 504 [not-a-choice]',
  ],
  [
    'on: [connect, 502, 503]',
    'on: connect',
    '19:35: `listeners.web.routes[0].retry.on` is the text `connect`, but should be a list; write [ connect ] [wrong-type]',
  ],
  [
    'on: [connect, 502, 503]',
    'on: [error, timeout]',
    '19:36: `error` is not one of the choices; write connect, reset [not-a-choice]',
  ],
  [
    'on: [connect, 502, 503]',
    'on: [401]',
    '19:36: `401` is not one of the choices; write a status code from 500 to 599, or 403, 404 or 429 [not-a-choice]',
  ],
  [
    'retry: { attempts: 2, on: [connect, 502, 503] }',
    'retry: 2',
    '19:16: `listeners.web.routes[0].retry` is the number `2`, but should be a map; write { attempts: 2 } [wrong-type]',
  ],
  [
    'upstream: api',
    'upstream: apis',
    '13:19: there is no upstream `apis`; write api, or add it under `upstreams` [undefined-upstream]',
  ],
  [
    'upstream: api',
    'upstream: API',
    '13:19: there is no upstream `API`; write api, or add it under `upstreams` [undefined-upstream]',
  ],
  [
    '        upstream: api',
    '        upstream: [api, web]',
    '13:19: `listeners.web.routes[0].upstream` is a list, but should be a name; write api: it can only be one [wrong-type]',
  ],
  ['path: /api/ }', 'path: api/ }', '12:64: `api/` cannot be a path here; write /api/ [bad-path]'],
  [
    'path: /api/ }',
    'path: /api/* }',
    '12:64: `/api/*` cannot be a path here; a path has no wildcards, and a string is a prefix: write /api/ [bad-path]',
  ],
  [
    'path: /api/ }',
    'path: ~ ^/api }',
    '12:64: `~ ^/api` cannot be a path here; a string is a prefix; for a regular expression write { regex: "^/api" } [bad-path]',
  ],
  [
    'path: /api/ }',
    'path: "^/api/.*" }',
    '12:64: `^/api/.*` cannot be a path here; a string is a prefix; for a regular expression write { regex: "^/api/.*" } [bad-path]',
  ],
  [
    '[shop.example, ',
    '["shop.example:80", ',
    '12:25: `shop.example:80` is not a host pattern; write it without the port: shop.example [bad-host]',
  ],
  [
    '[shop.example, ',
    '["http://shop.example", ',
    '12:25: `http://shop.example` is not a host pattern; write the name alone: shop.example [bad-host]',
  ],
  [
    'host: [shop.example, "*.shop.example"]',
    'host: "*"',
    '12:24: `*` is not a host pattern; leave `host` out to match every host [bad-host]',
  ],
  [
    '"*.shop.example"',
    '*.shop.example',
    '12:39: `*.shop.example` without quotes is an alias, and there is no anchor `&.shop.example` above it; if it is text, quote it: "*.shop.example" [yaml-undefined-alias]',
  ],
  ['status: 301', 'status: "301"', '21:39: "301" is not one of the choices; write 301 without quotes [not-a-choice]'],
  [
    'status: 301',
    'status: 200',
    '21:39: `200` is not one of the choices; write 301, 302, 303, 307 or 308 [not-a-choice]',
  ],
  [
    'set: { X-Env: prod }',
    'set: [ "X-Env: prod" ]',
    '16:27: `listeners.web.routes[0].headers.request.set` is a list, but should be a map; write { X-Env: prod } [wrong-type]',
  ],
  [
    'set: { X-Env: prod }',
    'set: "X-Env: prod"',
    '16:27: `listeners.web.routes[0].headers.request.set` is the text `X-Env: prod`, but should be a map; write { X-Env: prod } [wrong-type]',
  ],
  ['weight: 2, max', 'weight: 257, max', '33:47: `257` is out of range; write a number from 0 to 256 [out-of-range]'],
  [
    'backup: true',
    'backup: yes',
    '34:47: `upstreams.web.servers[2].backup` is the text `yes`, but should be true or false; write true [wrong-type]',
  ],
  [
    '{ lb01: 150, lb02: 100 }',
    '{ lb01: 100, lb02: 100 }',
    '56:5: warning: nodes lb01, lb02 have the same priority; write a different one for each [same-priority]',
  ],
  [
    '{ lb01: 150, lb02: 100 }',
    '{ lb01: 500, lb02: 100 }',
    '56:23: `500` is out of range; write a number from 1 to 255 [out-of-range]',
  ],
  [
    '[ 192.168.15.3/24 ]',
    '[ 192.168.15.3 ]',
    '59:18: `192.168.15.3` is not an address with a prefix length; write the prefix length too: 192.168.15.3/24 [bad-cidr]',
  ],
  [
    '[ 192.168.15.3/24 ]',
    '192.168.15.3/24',
    '59:16: `ha.VI_1.addresses` is the text `192.168.15.3/24`, but should be a list; write [ "192.168.15.3/24" ] [wrong-type]',
  ],
  [
    '[ 192.168.15.3/24 ]',
    '[ 192.168.15.3/255.255.255.0 ]',
    '59:18: `192.168.15.3/255.255.255.0` is not an address with a prefix length; write 192.168.15.3/24 [bad-cidr]',
  ],
  [
    '    router-id: 50 ',
    '    state: MASTER\n    router-id: 50 ',
    '55:5: there is no key `state` in `ha.VI_1`; leave it out: the node of the highest `priority` is active [unknown-key]',
  ],
  [
    '    router-id: 50 ',
    '    router_id: 50 ',
    '55:5: there is no key `router_id` in `ha.VI_1`; write `router-id` [unknown-key]',
  ],
  [
    '    router-id: 50 ',
    '    virtual_router_id: 50 ',
    '55:5: there is no key `virtual_router_id` in `ha.VI_1`; write `router-id` [unknown-key]',
  ],
  [
    'advertise: 1s',
    'advert_int: 1',
    '58:5: there is no key `advert_int` in `ha.VI_1`; write `advertise` [unknown-key]',
  ],
  ['advertise: 1s', 'advertise: 1', '58:16: `1` is not a duration; write 1s [bad-duration]'],
  [
    'run: [/etc/evenkeel/check-nginx.sh]',
    'run: /etc/evenkeel/check-nginx.sh',
    '66:24: `ha.VI_1.track[2].script.run` is the text `/etc/evenkeel/check-nginx.sh`, but should be a command as a list of its arguments; write [ /etc/evenkeel/check-nginx.sh ] [wrong-type]',
  ],
  [
    'run: [/etc/evenkeel/check-nginx.sh]',
    'run: [check-nginx.sh]',
    '66:25: `check-nginx.sh` is not an absolute path of a file; begin it with / [bad-file]',
  ],
  [
    'run: [/etc/evenkeel/check-nginx.sh]',
    'run: "/etc/evenkeel/check-nginx.sh -x"',
    '66:24: `ha.VI_1.track[2].script.run` is the text `/etc/evenkeel/check-nginx.sh -x`, but should be a command as a list of its arguments; write [ /etc/evenkeel/check-nginx.sh, "-x" ] [wrong-type]',
  ],
  [
    '      - proxy: true  ',
    '        proxy: true  ',
    '64:9: this is not YAML: this belongs to a list, and does not begin with `- `; write `- proxy:` in column 7, like line 65 [yaml-syntax]',
  ],
  [
    '      - proxy: true  ',
    '      - proxy  ',
    '64:9: `ha.VI_1.track[0]` is the text `proxy`, but should be a map; write { proxy: true } [wrong-type]',
  ],
  [
    'gateway: 192.168.15.1',
    'gateway: [192.168.15.1]',
    '67:40: `ha.VI_1.guard.gateway` is a list, but should be an IP address; write for example "192.0.2.1" [wrong-type]',
  ],
  [
    'notify: { active: [/etc/evenkeel/on-active.sh] }',
    'notify: /etc/evenkeel/on-active.sh',
    '68:13: `ha.VI_1.notify` is the text `/etc/evenkeel/on-active.sh`, but should be a map or a list; write `key: value` lines below it; what is possible: active, backup, fault, stop, fifo, reader, arguments, timeout, user [wrong-type]',
  ],
  [
    '{ bind: "*:3306", p',
    '{ bind: "*:3306, p',
    '25:18: this is not YAML: these quotes are never closed; write " at the end of the text [yaml-syntax]',
  ],
  ['bind: "*:80"', 'bind: “*:80”', '7:11: `“*:80”` is not an address to listen on; write "*:80" [bad-bind]'],
  [
    '    protocol: http ',
    '    bind: "*:81"\n    protocol: http ',
    '8:5: `bind` is a duplicate; the first is on line 7; keep one of them [duplicate-key]',
  ],
  ['listeners:\n', 'listener:\n', '5:1: there is no key `listener` at the top level; write `listeners` [unknown-key]'],
  [
    'timeouts: { head: 10s, body: 30s, idle: 75s }',
    'timeuots: { head: 10, bdoy: 30s, idle: 75s }',
    '9:5: there is no key `timeuots` in `listeners.web`; write `timeouts` [unknown-key]\n' +
      '9:23: `10` is not a duration; write 10s [bad-duration]\n' +
      '9:27: there is no key `bdoy` in `listeners.web.timeouts`; write `body` [unknown-key]',
  ],
  [
    'ssh: { servers: [ "192.168.15.7:22" ]',
    'ssh: { server: "192.168.15.7:22"',
    '50:10: there is no key `server` in `upstreams.ssh`; write `servers` [unknown-key]',
  ],
  [
    '    protocol: http ',
    '    tls: { cert: /x }\n    protocol: http ',
    '8:12: there is no key `cert` in `listeners.web.tls`; write `certificate` [unknown-key]',
  ],
  [
    '    protocol: http',
    '\u00a0   protocol: http',
    '8:1: this is not YAML: the line begins with a space of another kind (a no-break space, as from a web page); delete it and indent with plain spaces [yaml-syntax]',
  ],
  [
    '    protocol: http',
    '    protocol： http',
    '8:5: this is not YAML: the colon is one of another script; write `protocol: http` [yaml-syntax]',
  ],
  [
    'bind: "*:80"',
    'bind: "*:${PORT}"',
    '7:11: `*:${PORT}` is not an address to listen on; write the address itself: variables are not replaced [bad-bind]',
  ],
  [
    '- 192.168.15.7:80',
    '- 80',
    '32:9: `80` is not the address of a server; write for example "192.0.2.1:80" [bad-server]',
  ],
  [
    '- 192.168.15.7:80',
    '- http://192.168.15.7:80',
    '32:9: `http://192.168.15.7:80` is not the address of a server; write the address alone, for example "192.168.15.7:80" [bad-server]',
  ],
  [
    '- 192.168.15.7:80',
    '- http://192.168.15.7:80/app',
    '32:9: `http://192.168.15.7:80/app` is not the address of a server; write the address alone, for example "192.168.15.7:80" [bad-server]',
  ],
  [
    '- 192.168.15.7:80',
    '- 192.168.15.7:http',
    '32:9: `192.168.15.7:http` is not the address of a server; write "192.0.2.1:80", "[2001:db8::1]:80", "name.example:80" or "unix:/run/x.sock" [bad-server]',
  ],
  [
    '- 192.168.15.7:80',
    '- 192.168.15.777:80',
    '32:9: `192.168.15.777:80` is not the address of a server; `192.168.15.777` is neither an IP address nor a host name; write for example "192.0.2.1:80" [bad-server]',
  ],
  [
    '- 192.168.15.7:80',
    '- 192.168.15.7 80',
    '32:9: `192.168.15.7 80` is not the address of a server; write "192.168.15.7:80" [bad-server]',
  ],
  [
    '- 192.168.15.7:80',
    '- 192.168.15.7:80 weight=2',
    '32:9: `192.168.15.7:80 weight=2` is not the address of a server; write "192.168.15.7:80"; its options stand in a map: { address: "192.168.15.7:80", weight: 2 } [bad-server]',
  ],
  [
    '- 192.168.15.7:80',
    '- address: 192.168.15.7:80\n      weight: 2',
    "33:7: this is not YAML: `weight:` stands in the column of the list's `-`; move it to column 9, into the item [yaml-syntax]",
  ],
];

function said(text: string): string {
  return loadYaml(text, { file: 'f' })
    .diagnostics.map((one) => formatDiagnostic(one).slice('f:'.length))
    .join('\n');
}

for (const [text, mistake, expected] of MISTAKES) {
  test(`${JSON.stringify(text.slice(0, 60))} as ${JSON.stringify(mistake.slice(0, 60))}`, () => {
    assert.ok(EXAMPLE.includes(text), 'the example has it');
    assert.equal(said(EXAMPLE.replace(text, () => mistake)), expected);
  });
}

/** One line of the example is another one, and none is added or taken away. */
const REPLACED = MISTAKES.filter(
  ([text, mistake]) => !text.trimEnd().includes('\n') && text.split('\n').length === mistake.split('\n').length,
);
/** Of all pairs, so that no kind of mistake is left out and the test takes a second. */
const EVERY_PAIR = 29;

test('two mistakes are said in one round, as each of them alone, and no more', () => {
  const alone = REPLACED.map((one) => ({ one, lines: said(EXAMPLE.replace(one[0], () => one[1])).split('\n') }));
  const pairs = alone.flatMap((first) => alone.map((second) => [first, second] as const));
  let compared = 0;
  for (const [first, second] of pairs.filter((_, i) => i % EVERY_PAIR === 0)) {
    const [text, mistake] = second.one;
    if (lineOf(text) === lineOf(first.one[0]) || second.lines.some(isSyntax)) continue;
    const lines = said(EXAMPLE.replace(first.one[0], () => first.one[1]).replace(text, () => mistake)).split('\n');
    const allowed = [...first.lines, ...second.lines];
    assert.deepEqual(
      lines.filter((line) => !allowed.includes(line)),
      [],
      `an echo of ${first.one[1]} and ${mistake}`,
    );
    const brokenAt = Math.min(...first.lines.filter(isSyntax).map(numberOf));
    const missing = allowed.filter((line) => numberOf(line) < brokenAt && !lines.includes(line));
    assert.deepEqual(
      // Upstreams may come behind what cannot be read.
      missing.filter((line) => brokenAt === Infinity || !line.includes('[undefined-upstream]')),
      [],
      `hidden by ${first.one[1]} or ${mistake}`,
    );
    compared++;
  }
  assert.ok(compared > 200, `${compared} pairs`);
});

function lineOf(text: string): number {
  return EXAMPLE.slice(0, EXAMPLE.indexOf(text)).split('\n').length;
}

function numberOf(line: string): number {
  return Number.parseInt(line, 10);
}

function isSyntax(line: string): boolean {
  return line.includes('this is not YAML');
}
