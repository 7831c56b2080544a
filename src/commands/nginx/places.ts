/** Where `evenkeel nginx` finds and leaves its files: as Debian builds nginx, so that what is there goes on working. */
import type { NginxOptions } from '../../cli/nginx-arguments.ts';
import type { ConfigFile } from '../../cli/config-file.ts';
import { PREFIX } from '../../config/nginx/front-end.ts';
import type { ErrorLogSettings, ProcessSettings } from '../../config/process-settings.ts';

export const CONF_PATH = '/etc/nginx/nginx.conf';
export const PID_PATH = '/run/nginx.pid';
export const ERROR_LOG_PATH = 'stderr';

export class Places {
  private readonly options: NginxOptions;

  constructor(options: NginxOptions) {
    this.options = options;
  }

  get file(): ConfigFile {
    const { file, directives } = this.options;
    const path = this.resolve(file ?? CONF_PATH);
    // As nginx does; it would be no directive otherwise.
    return {
      path,
      language: 'nginx',
      rulesProcesses: true,
      prefix: withSlash(this.options.prefix ?? PREFIX),
      ...(directives === null ? {} : { preface: withEnd(directives) }),
    };
  }

  get errorLog(): string {
    return this.resolveLog(this.options.errorLog ?? ERROR_LOG_PATH);
  }

  pidFile({ pidFile }: ProcessSettings): string {
    return this.resolve(pidFile ?? PID_PATH);
  }

  errorLogs({ errorLogs, innerErrorLogs }: ProcessSettings): readonly ErrorLogSettings[] {
    const outer: readonly ErrorLogSettings[] =
      errorLogs.length > 0 ? errorLogs : [{ path: this.errorLog, level: 'error' }];
    return [...outer, ...innerErrorLogs].map(({ path, level, syslog }) =>
      syslog === undefined ? { path: this.resolveLog(path), level } : { path, level, syslog },
    );
  }

  private resolveLog(path: string): string {
    return path === 'stderr' ? path : this.resolve(path);
  }

  private resolve(path: string): string {
    return path.startsWith('/') ? path : `${this.options.prefix ?? PREFIX}${path}`;
  }
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

function withEnd(directives: string): string {
  return /[;}]\s*$/.test(directives) ? directives : `${directives};`;
}
