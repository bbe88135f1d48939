import {
  Inject,
  Injectable,
  type DynamicModule,
  type ModuleMetadata,
  type Provider,
  type Type,
} from '@nestjs/common';
import * as cls from '@nestjs-cls/transactional';
import type { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import * as patched from 'typeorm-transactional';
import { SimpleQueueModule } from '../../lib/module/simple-queue.module.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import * as clsExample from '../examples/ambient-cls.js';
import * as patchedExample from '../examples/ambient-typeorm.js';
import { Order, Receipt } from '../examples/order.js';
import { QUICK } from './application.js';

type Work<Result> = () => Promise<Result>;

/** A service of the application whose methods carry the package's own decorator. */
export abstract class Transactions {
  abstract required<Result>(work: Work<Result>): Promise<Result>;
  abstract requiresNew<Result>(work: Work<Result>): Promise<Result>;
  abstract nested<Result>(work: Work<Result>): Promise<Result>;
  abstract notSupported<Result>(work: Work<Result>): Promise<Result>;
  abstract supports<Result>(work: Work<Result>): Promise<Result>;
  /** What the application itself writes with. */
  abstract readonly manager: EntityManager;
}

@Injectable()
class ClsTransactions extends Transactions {
  constructor(
    @Inject(cls.TransactionHost)
    private readonly host: cls.TransactionHost<TransactionalAdapterTypeOrm>,
  ) {
    super();
  }

  get manager(): EntityManager {
    return this.host.tx;
  }

  @cls.Transactional()
  required<Result>(work: Work<Result>): Promise<Result> {
    return work();
  }
  @cls.Transactional(cls.Propagation.RequiresNew)
  requiresNew<Result>(work: Work<Result>): Promise<Result> {
    return work();
  }
  @cls.Transactional(cls.Propagation.Nested)
  nested<Result>(work: Work<Result>): Promise<Result> {
    return work();
  }
  @cls.Transactional(cls.Propagation.NotSupported)
  notSupported<Result>(work: Work<Result>): Promise<Result> {
    return work();
  }
  @cls.Transactional(cls.Propagation.Supports)
  supports<Result>(work: Work<Result>): Promise<Result> {
    return work();
  }
}

@Injectable()
class PatchedTransactions extends Transactions {
  constructor(private readonly dataSource: DataSource) {
    super();
  }

  get manager(): EntityManager {
    return this.dataSource.manager;
  }

  @patched.Transactional()
  required<Result>(work: Work<Result>): Promise<Result> {
    return work();
  }
  @patched.Transactional({ propagation: patched.Propagation.REQUIRES_NEW })
  requiresNew<Result>(work: Work<Result>): Promise<Result> {
    return work();
  }
  @patched.Transactional({ propagation: patched.Propagation.NESTED })
  nested<Result>(work: Work<Result>): Promise<Result> {
    return work();
  }
  @patched.Transactional({ propagation: patched.Propagation.NOT_SUPPORTED })
  notSupported<Result>(work: Work<Result>): Promise<Result> {
    return work();
  }
  @patched.Transactional({ propagation: patched.Propagation.SUPPORTS })
  supports<Result>(work: Work<Result>): Promise<Result> {
    return work();
  }
}

/** The service of the guide. */
export const ORDERS = Symbol('orders');

export type Package = '@nestjs-cls/transactional' | 'typeorm-transactional';

/** An application with the real package, set up as the guide says. */
export async function aTransactionalApplication(
  which: Package,
  {
    url,
    options = {},
    providers = [],
  }: { url: string; options?: SimpleQueueOptions; providers?: Provider[] },
): Promise<TestingModule> {
  const typeorm: TypeOrmOptions = {
    type: 'postgres',
    url,
    entities: [Order, Receipt],
    synchronize: true,
  };
  const { imports, service, example } = SETUPS[which](typeorm, { ...QUICK, ...options });
  const module = await Test.createTestingModule({
    imports: [...imports, TypeOrmModule.forFeature([Order, Receipt])],
    providers: [{ provide: Transactions, useClass: service }, ...example, ...providers],
  }).compile();
  module.useLogger(false);
  return module.init();
}

type TypeOrmOptions = Parameters<typeof patchedExample.database>[0];

type Setup = (
  typeorm: TypeOrmOptions,
  options: SimpleQueueOptions,
) => {
  imports: NonNullable<ModuleMetadata['imports']>;
  service: Type<Transactions>;
  example: Provider[];
};

const SETUPS: Record<Package, Setup> = {
  '@nestjs-cls/transactional': (typeorm, options) => ({
    imports: [TypeOrmModule.forRoot(typeorm), clsExample.transactions(), withHost(options)],
    service: ClsTransactions,
    example: [{ provide: ORDERS, useClass: clsExample.OrdersService }, clsExample.WriteReceipt],
  }),
  'typeorm-transactional': (typeorm, options) => {
    patchedExample.beforeTheApplication();
    return {
      imports: [patchedExample.database(typeorm), SimpleQueueModule.forRoot(options)],
      service: PatchedTransactions,
      example: [
        { provide: ORDERS, useClass: patchedExample.OrdersService },
        patchedExample.WriteReceipt,
      ],
    };
  },
};

const withHost = (options: SimpleQueueOptions): DynamicModule =>
  SimpleQueueModule.forRootAsync({
    inject: [cls.TransactionHost],
    useFactory: (host: cls.TransactionHost<TransactionalAdapterTypeOrm>) => ({
      ...options,
      transaction: () => host.tx,
    }),
  });
