/** The directives outside of `http` and `stream`. */
import type { ModuleRows } from './directive-row.ts';

export const CORE_ROWS: readonly ModuleRows[] = [
  {
    module: 'core',
    rows: [
      [
        'daemon',
        'main',
        'flag',
        'no effect',
        'only `evenkeel nginx` goes by it: `evenkeel run` stays in the foreground',
      ],
      ['master_process', 'main', 'flag', 'no effect', 'there is always a process that starts and watches the proxies'],
      [
        'timer_resolution debug_points worker_priority worker_rlimit_core working_directory env',
        'main',
        '1',
        'no effect',
        'it tunes the inside of nginx',
      ],
      ['pid', 'main', '1', 'no effect', 'only `evenkeel nginx` goes by it: `evenkeel run` writes none'],
      ['lock_file', 'main', '1', 'no effect', 'it tunes the inside of nginx'],
      [
        'worker_processes',
        'main',
        '1',
        'works',
        '`auto`, or a number of proxies; 1 without it; `--workers` goes before it',
      ],
      [
        'user',
        'main',
        '1-2',
        'differs',
        'the process that reads files runs as this user, with its groups; the proxies run as the user `evenkeel`, or as a number that nobody has',
      ],
      ['worker_cpu_affinity', 'main', '1+', 'no effect', 'it tunes the inside of nginx'],
      ['worker_rlimit_nofile', 'main', '1', 'no effect', 'evenkeel sets its own limit from what the system allows'],
      [
        'worker_shutdown_timeout',
        'main',
        '1',
        'works',
        'how long a stop waits for what is in flight; without it 30 seconds',
      ],
      ['load_module', 'main', '1', 'no effect', 'what evenkeel can do is built in'],
      ['include', 'any', '1', 'works', ''],
      [
        'error_log',
        'main http stream',
        '1+',
        'left out',
        'only `evenkeel nginx` goes by it, with its levels, to files and `syslog:`, and with one log for all of them: `evenkeel run` logs on stderr, and where `log` of a YAML file says',
      ],
      ['pcre_jit ssl_object_cache_inheritable', 'main', 'flag', 'no effect', 'it tunes the inside of nginx'],
      ['thread_pool', 'main', '2-3', 'no effect', 'it tunes the inside of nginx'],
      ['ssl_engine', 'main', '1', 'left out', 'keys are read from files, and used by OpenSSL itself'],
      ['http stream', 'main', '0 {}', 'works', ''],
    ],
  },
  {
    module: 'events',
    rows: [
      ['events', 'main', '0 {}', 'works', ''],
      [
        'worker_connections',
        'events',
        '1',
        'no effect',
        "a listener's connections are bounded by evenkeel's own limits",
      ],
      [
        'use accept_mutex_delay debug_connection epoll_events worker_aio_requests',
        'events',
        '1',
        'no effect',
        'it tunes the inside of nginx',
      ],
      ['multi_accept accept_mutex', 'events', 'flag', 'no effect', 'it tunes the inside of nginx'],
    ],
  },
];
