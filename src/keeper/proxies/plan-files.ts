/** The sealed files that hold a plan for the proxies (delivery.ts), and the descriptors that a proxy is sent with it. */
import { randomInt } from 'node:crypto';
import { LearnedTable } from '../../base/learned-table.ts';
import { LimitTable } from '../../base/limit-table.ts';
import { TlsSessionTable } from '../../base/tls-session-table.ts';
import { systemReason } from '../../base/system-error.ts';
import type { Plan } from '../../config/plan/plan.ts';
import type { Host } from '../../port/host.ts';
import type { Secrets } from '../../port/tls.ts';
import { ApplyError } from '../apply-error.ts';
import { countsLimits, deliveryOf, keepsSessions, learnsSessions, routesOf } from './delivery.ts';
import { closeLogs, openLogs } from '../log/access-log-files.ts';
import type { Log } from '../log/log.ts';
import { LineThreads } from '../line-threads.ts';
import { type OpenListener, socketsOf } from './listeners.ts';
import { emitSecrets } from './secrets.ts';

export interface PlanFiles {
  /** By worker, for the names of their listening sockets differ. */
  readonly deliveries: readonly number[];
  readonly routes: number;
  readonly secrets: number;
  /** What access logs are written to. */
  readonly logs: readonly number[];
}

/** Descriptors of what proxies share, and a successor goes on with. Null: there is none. */
export interface SharedTables {
  /** Of a TlsSessionTable of this version. */
  readonly sessions: number | null;
  /** Of a LearnedTable of this version. */
  readonly learned: number | null;
}

export const NO_TABLES: SharedTables = { sessions: null, learned: null };

export class PlanFileWriter {
  private readonly host: Host;
  /** Of the table of TLS sessions, for all proxies and plans: its descriptor. Null: no plan has needed it yet. */
  sessions: number | null;
  /** The same of what is learned of where sessions of applications are. */
  learned: number | null;

  /** What all limits count in. Null: no plan has needed it yet. */
  private limits: { readonly table: LimitTable; readonly descriptor: number } | null = null;
  private readonly rows: number;
  private readonly threads: LineThreads;

  /**
   * The tables: of a predecessor. `rows`: of the board, one for each process that there may be. `onOtherProgram`: the program on disk
   * is not the keeper's any more.
   */
  constructor(host: Host, log: Log, { learned, sessions }: SharedTables, rows: number, onOtherProgram: () => void) {
    this.host = host;
    this.rows = rows;
    this.threads = new LineThreads(host, log, onOtherProgram);
    this.sessions = sessions;
    this.learned = learned;
  }

  /** The files are the caller's, to be closed. Throws ApplyError, with nothing left open. */
  write(plan: Plan, secretsOfPlan: Secrets, listeners: readonly OpenListener[]): PlanFiles {
    const { host } = this;
    const { workers } = plan;
    const deliveries: number[] = [];
    let routes = -1;
    let secrets = -1;
    const logs = openLogs(plan, this.threads);
    try {
      if (keepsSessions(plan)) {
        this.sessions ??= host.createSharedMemory('evenkeel-sessions', TlsSessionTable.bytes, 'holder').descriptor;
      }
      if (countsLimits(plan)) this.limits ??= this.createLimits();
      if (learnsSessions(plan)) this.learned ??= this.createLearned();
      secrets = host.createUnnamedFile('evenkeel-secrets', emitSecrets(secretsOfPlan));
      routes = host.createUnnamedFile('evenkeel-routes', Buffer.from(routesOf(plan), 'latin1'));
      for (let worker = 0; worker < workers; worker++) {
        const sockets = socketsOf(listeners, worker, workers).map(({ listener, id }) => ({ listener, id }));
        const delivery = Buffer.from(JSON.stringify(deliveryOf(plan, sockets)));
        deliveries.push(host.createUnnamedFile('evenkeel-plan', delivery));
      }
      return { deliveries, routes, secrets, logs };
    } catch (error) {
      this.close({ deliveries, routes, secrets, logs });
      throw new ApplyError(`the plan cannot be handed to the proxies: ${systemReason(error)}`);
    }
  }

  private createLimits(): NonNullable<PlanFileWriter['limits']> {
    const bytes = LimitTable.bytesFor(this.rows);
    const { buffer, descriptor } = this.host.createSharedMemory('evenkeel-limits', bytes, 'holder');
    const table = new LimitTable(buffer, this.rows);
    table.setKeys(randomInt(2 ** 32) | 0, randomInt(2 ** 32) | 0);
    return { table, descriptor };
  }

  private createLearned(): number {
    const { buffer, descriptor } = this.host.createSharedMemory('evenkeel-learned', LearnedTable.bytes, 'holder');
    new LearnedTable(buffer).setKeys(randomInt(2 ** 32) | 0, randomInt(2 ** 32) | 0);
    return descriptor;
  }

  /** The process that had this row is gone: limits do not count any more what it held. */
  forgetRow(row: number): void {
    this.limits?.table.clearRow(row);
  }

  /** What goes to the proxy that serves as `worker`, in order. */
  descriptorsOf(
    { deliveries, routes, secrets, logs }: PlanFiles,
    plan: Plan,
    listeners: readonly OpenListener[],
    worker: number,
  ): readonly number[] {
    const sockets = socketsOf(listeners, worker, plan.workers);
    const sessions = keepsSessions(plan) ? [this.sessions!] : [];
    const limits = countsLimits(plan) ? [this.limits!.descriptor] : [];
    const learned = learnsSessions(plan) ? [this.learned!] : [];
    const shared = [...sessions, ...limits, ...learned];
    return [deliveries[worker], routes, secrets, ...logs, ...shared, ...sockets.map(({ descriptor }) => descriptor)];
  }

  /** No proxy is left, and these are the files of the last plan: resolves when the last lines have gone where they are sent, or after a moment. */
  async finish({ logs }: PlanFiles): Promise<void> {
    if (this.threads.isEmpty) return;
    closeLogs(logs);
    await this.threads.finish();
  }

  close({ deliveries, routes, secrets, logs }: PlanFiles): void {
    closeLogs(logs);
    for (const file of [...deliveries, routes, secrets]) if (file >= 0) this.host.closeDescriptor(file);
  }
}
