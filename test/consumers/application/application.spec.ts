import 'reflect-metadata';
import { initializeTransactionalContext, StorageDriver } from 'typeorm-transactional';
import { TRIALS } from './trials/trials.js';

// The global of whichever test runner the application has.
declare const it: (name: string, trial: () => Promise<void>, timeoutMs: number) => void;

initializeTransactionalContext({ storageDriver: StorageDriver.ASYNC_LOCAL_STORAGE });
for (const [name, trial] of Object.entries(TRIALS)) it(name, trial, 180_000);
