import type { DataSourceOptions } from 'typeorm';
import { Order } from './orders/order.js';
import { Product } from './orders/product.js';
import { Receipt } from './receipts/receipt.js';
import { ShopTables1735689600000 } from './shop-tables.migration.js';

/**
 * The shop's own tables live in a schema of their own, next to the queue's: both in one database, so that one transaction spans them.
 * Migrations, not `synchronize`: the same way an application gets its tables in production.
 */
export function shopDatabase(url: string): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities: [Order, Product, Receipt],
    migrations: [ShopTables1735689600000],
    migrationsTableName: 'shop_migrations',
    migrationsRun: true,
    // Handlers with `transactional: true` hold a connection each while they run: they may take half of these.
    poolSize: 20,
  };
}
