import type { DataSource, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import { dataSourceOf } from '../type-orm.js';

interface Waiting {
  /** How many savepoints deep it was said. */
  depth: number;
  callback: () => void;
}

/** Calls back when transactions of the application have committed; TypeORM reports it, and nothing of the user's is touched. */
export class AfterCommit {
  private readonly waiting = new WeakMap<QueryRunner, Waiting[]>();
  private readonly subscriber: EntitySubscriberInterface = {
    afterTransactionStart: ({ queryRunner }) => this.started(queryRunner),
    afterTransactionCommit: ({ queryRunner }) => this.committed(queryRunner),
    afterTransactionRollback: ({ queryRunner }) => this.rolledBack(queryRunner),
  };

  /** Others of the same database, whose transactions are joined as well: they may come and go. */
  private readonly others: WeakRef<DataSource>[] = [];
  private isOpen = false;

  constructor(private readonly dataSource: DataSource) {}

  open(): void {
    this.isOpen = true;
    this.dataSource.subscribers.push(this.subscriber);
  }

  close(): void {
    this.isOpen = false;
    const others = this.others.splice(0).map((each) => each.deref());
    for (const dataSource of [this.dataSource, ...others]) {
      const index = dataSource?.subscribers.indexOf(this.subscriber) ?? -1;
      if (index >= 0) dataSource!.subscribers.splice(index, 1);
    }
  }

  add(runner: QueryRunner, callback: () => void): void {
    const dataSource = dataSourceOf(runner)!;
    if (this.isOpen && !dataSource.subscribers.includes(this.subscriber)) {
      dataSource.subscribers.push(this.subscriber);
      this.others.push(new WeakRef(dataSource));
    }
    const waiting = { depth: depthOf(runner), callback };
    const others = this.waiting.get(runner);
    if (others) others.push(waiting);
    else this.waiting.set(runner, [waiting]);
  }

  /** What was said in a transaction that somebody ended by hand is forgotten: nobody knows how. */
  private started(runner: QueryRunner): void {
    if (depthOf(runner) === 1) this.waiting.delete(runner);
  }

  /** A released savepoint says "commit" as well: what was said in it belongs to what is around it from now on. */
  private committed(runner: QueryRunner): void {
    const waiting = this.waiting.get(runner) ?? [];
    if (runner.isTransactionActive) {
      const depth = depthOf(runner);
      for (const each of waiting) each.depth = Math.min(each.depth, depth);
      return;
    }
    this.waiting.delete(runner);
    for (const { callback } of waiting) callback();
  }

  /** Of a savepoint's rollback: forgets what was said in it. */
  private rolledBack(runner: QueryRunner): void {
    const waiting = this.waiting.get(runner);
    if (!waiting) return;
    const depth = depthOf(runner);
    const left = runner.isTransactionActive ? waiting.filter((each) => each.depth <= depth) : [];
    this.waiting.set(runner, left);
  }
}

/** TypeORM counts savepoints, and does not show it. Where it stops to, NaN is below nothing: a savepoint's rollback then forgets all. */
const depthOf = (runner: QueryRunner): number =>
  (runner as unknown as { transactionDepth?: number }).transactionDepth ?? NaN;
