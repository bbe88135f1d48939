import { hostname } from 'node:os';

/** Of this process, as leases and ended jobs tell it. */
export const workerName = (): string => `${hostname().slice(0, 40)}:${process.pid}`;
