import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity({ schema: 'shop', name: 'product' })
export class Product {
  @PrimaryColumn('text')
  sku!: string;

  @Column('text')
  name!: string;

  @Column('integer')
  stock!: number;
}
