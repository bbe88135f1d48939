import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity({ schema: 'shop', name: 'order' })
export class Order {
  /** The number that the customer knows. It comes with the order, so that a repeated request is recognised. */
  @PrimaryColumn('text')
  id!: string;

  @Column('date')
  day!: string;

  @Column('text')
  customer!: string;

  @Column('text')
  email!: string;

  @Column('text')
  item!: string;

  @Column('integer')
  quantity!: number;

  /** Text, not a number: money stays decimal on its way through JavaScript. */
  @Column('numeric', { precision: 12, scale: 2 })
  amount!: string;

  @Column('text')
  currency!: string;

  @Column('text', { nullable: true })
  webhook!: string | null;

  @Column('text', { default: 'placed' })
  state!: 'placed' | 'cancelled' | 'unpaid';

  @Column('timestamptz', { name: 'reminded_at', nullable: true })
  remindedAt!: Date | null;

  /** Its fulfilment, a workflow. */
  @Column('uuid', { name: 'workflow_id', nullable: true })
  workflowId!: string | null;

  @Column('timestamptz', { name: 'reserved_at', nullable: true })
  reservedAt!: Date | null;

  @Column('timestamptz', { name: 'paid_at', nullable: true })
  paidAt!: Date | null;

  @Column('timestamptz', { name: 'shipped_at', nullable: true })
  shippedAt!: Date | null;
}
