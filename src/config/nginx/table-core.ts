/** The directives outside of `http` and `stream`. */
import type { ModuleRows } from './directive-row.ts';

export const CORE_ROWS: readonly ModuleRows[] = [
  {
    module: 'core',
    rows: [
      [
        'daemon master_process',
        'main',
        'flag',
        'no effect',
        'evenkeel stays in the foreground; a service manager starts and watches it',
      ],
      [
        'timer_resolution debug_points worker_priority worker_rlimit_core working_directory env',
        'main',
        '1',
        'no effect',
        'it tunes the inside of nginx',
      ],
      ['pid lock_file', 'main', '1', 'no effect', '`evenkeel status` and the service manager know the process'],
      ['worker_processes', 'main', '1', 'works', '`auto`, or a number of proxies; `--workers` goes before it'],
      ['user', 'main', '1-2', 'no effect', 'the proxies run as the user `evenkeel`, or as a number that nobody has'],
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
      ['error_log', 'main', '1+', 'left out', 'evenkeel logs on stderr, which the service manager keeps'],
      ['pcre_jit ssl_object_cache_inheritable', 'main', 'flag', 'no effect', 'it tunes the inside of nginx'],
      ['thread_pool', 'main', '2-3', 'no effect', 'it tunes the inside of nginx'],
      ['ssl_engine', 'main', '1', 'left out', 'TLS is not there yet'],
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
