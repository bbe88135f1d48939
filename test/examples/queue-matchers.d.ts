import type { QueueMatchers } from 'nestjs-simple-queue/testing';

declare module 'expect' {
  interface Matchers<R> extends QueueMatchers<R> {}
}
