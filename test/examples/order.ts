import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class Order {
  @PrimaryColumn()
  id!: string;

  @Column()
  email!: string;

  @Column()
  amount!: number;
}

@Entity()
export class Receipt {
  @PrimaryColumn()
  orderId!: string;

  @Column()
  text!: string;
}
