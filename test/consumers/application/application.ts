import 'reflect-metadata';
import { initializeTransactionalContext, StorageDriver } from 'typeorm-transactional';
import { TRIALS } from './trials/trials.js';

// What scripts/consumers.mjs compiles and runs in applications that have the packed library.
async function main(): Promise<void> {
  initializeTransactionalContext({ storageDriver: StorageDriver.ASYNC_LOCAL_STORAGE });
  for (const trial of Object.values(TRIALS)) await trial();
  console.log(Object.keys(TRIALS).join(', '));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
