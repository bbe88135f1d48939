import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = `
  create table shop.product (
    sku   text primary key,
    name  text not null,
    stock integer not null check (stock >= 0)
  );

  create table shop."order" (
    id          text primary key,
    day         date not null,
    customer    text not null,
    email       text not null,
    item        text not null,
    quantity    integer not null check (quantity > 0),
    amount      numeric(12, 2) not null check (amount > 0),
    currency    text not null,
    webhook     text,
    state       text not null default 'placed' check (state in ('placed', 'cancelled', 'unpaid')),
    reminded_at timestamptz,
    workflow_id uuid,
    reserved_at timestamptz,
    paid_at     timestamptz,
    shipped_at  timestamptz
  );
  create index on shop."order" (day);

  create table shop.receipt (
    order_id   text primary key references shop."order",
    pdf        bytea not null,
    created_at timestamptz not null default now()
  );

  create table shop.daily_summary (
    day      date,
    currency text,
    orders   integer not null,
    amount   numeric(14, 2) not null,
    primary key (day, currency)
  )`;

/** The signed edition is scarce on purpose: the last ones who order it come too late, and their whole transaction rolls back. */
const CATALOGUE = `
  insert into shop.product (sku, name, stock) values
    ('beans-250', 'House blend, 250 g', 1000000),
    ('beans-1000', 'House blend, 1 kg', 1000000),
    ('decaf-250', 'Decaf, 250 g', 1000000),
    ('moka-3', 'Moka pot, three cups', 1000000),
    ('filter-100', 'Paper filters, 100 pieces', 1000000),
    ('grinder', 'Hand grinder', 1000000),
    ('book-signed', 'The Coffee Atlas, signed edition', 10)`;

export class ShopTables1735689600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create schema if not exists shop');
    await runner.query(TABLES);
    await runner.query(CATALOGUE);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop schema shop cascade');
  }
}
