import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** The primary key is the order's: two receipts for one order cannot be. */
@Entity({ schema: 'shop', name: 'receipt' })
export class Receipt {
  @PrimaryColumn('text', { name: 'order_id' })
  orderId!: string;

  @Column('bytea')
  pdf!: Buffer;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;
}
