import { AsyncLocalStorage } from 'node:async_hooks';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { outside } from '../../../runtime/outside.js';

/** Whose transaction was begun here, if one was yet, and what was begun around it. */
interface Begun {
  runner?: QueryRunner;
  around: Begun | undefined;
}

/**
 * Knows whether a transaction of the DataSource is open where it is asked, also one that nobody handed on. For development: it is in
 * front of the DataSource's `createQueryRunner` and its manager's `transaction` until it is closed.
 */
export class OpenTransactions {
  private readonly begun = new AsyncLocalStorage<Begun | undefined>();
  private readonly undo: (() => void)[];

  constructor(dataSource: DataSource) {
    // Inside a transaction of typeorm-transactional the property is that transaction's.
    const manager = outside(() => dataSource.manager);
    this.undo = [
      replace(manager, 'transaction', (original) => this.scoped(original)),
      replace(
        dataSource,
        'createQueryRunner',
        (original) => (mode) => this.watched(original(mode)),
      ),
    ];
  }

  get isOpen(): boolean {
    for (let each = this.begun.getStore(); each; each = each.around)
      if (each.runner?.isTransactionActive) return true;
    return false;
  }

  close(): void {
    for (const undo of this.undo) undo();
  }

  /** What begins inside is not known to who called. A new object each time: `run` with the store that is there already would end nothing. */
  private scoped(transaction: EntityManager['transaction']): EntityManager['transaction'] {
    const scoped = (...args: Parameters<typeof transaction>): Promise<unknown> =>
      this.begun.run({ around: this.begun.getStore() }, () => transaction(...args));
    return scoped as typeof transaction;
  }

  /** Who begins by hand goes on in the same function, so its context is entered for the rest of it. */
  private watched(runner: QueryRunner): QueryRunner {
    replace(runner, 'startTransaction', (start) => (isolation) => {
      this.begun.enterWith({ runner, around: this.begun.getStore() });
      return start(isolation);
    });
    return runner;
  }
}

/** The answer puts back what was there, unless somebody else is in front by then. */
function replace<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  make: (original: Owner[Name]) => Owner[Name],
): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, name);
  const mine = make((owner[name] as () => unknown).bind(owner) as never);
  owner[name] = mine;
  return () => {
    if (owner[name] !== mine) return;
    if (own) Object.defineProperty(owner, name, own);
    else Reflect.deleteProperty(owner, name);
  };
}
