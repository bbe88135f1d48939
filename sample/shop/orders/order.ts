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
  state!: 'placed' | 'cancelled';

  @Column('timestamptz', { name: 'reminded_at', nullable: true })
  remindedAt!: Date | null;
}
