import { expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueService } from 'nestjs-simple-queue';
import { eventually } from '../support/eventually.js';
import { aDatabase } from '../support/template.js';
import { Imports, twoPerTenant } from './imports.js';

it('imports two files of a tenant at once', async () => {
  let [now, most, read] = [0, 0, 0];
  class Counting extends Imports {
    protected override async read(): Promise<void> {
      most = Math.max(most, ++now);
      // The second one comes, however late.
      await eventually(() => most > 1);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      read++;
    }
  }
  const database = await aDatabase();
  const module = await Test.createTestingModule({
    imports: [TypeOrmModule.forRoot({ type: 'postgres', url: database.url }), twoPerTenant()],
    providers: [{ provide: Imports, useClass: Counting }],
  }).compile();
  await module.init();

  const items = Array.from({ length: 20 }, (_, n) => ({ payload: { tenant: { id: 'a' }, file: `${n}.csv` } })); // prettier-ignore
  await module.get(QueueService).enqueueMany('imports', items);
  await eventually(() => expect(read).toBe(20), { timeoutMs: 30_000 });

  expect(most).toBe(2);
  await module.close();
  await database.drop();
});
