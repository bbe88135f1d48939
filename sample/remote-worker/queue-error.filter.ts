import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Response } from 'express';
import { QueueError, type QueueErrorCode } from 'nestjs-simple-queue';

/** What a worker can do something about. Everything else is the edge's own trouble: try again later. */
const STATUS: { readonly [code in QueueErrorCode]?: number } = {
  INVALID_OPTION: 400,
  INVALID_NAME: 400,
  INVALID_OUTPUT: 400,
  OUTPUT_TOO_LARGE: 413,
  LEASE_LOST: 409,
  LEASE_FOREIGN: 409,
  LEASE_UNKNOWN: 404,
};

/** A code is for programs, a message for people; of an unknown trouble neither leaves the house. */
@Catch(QueueError)
export class QueueErrorFilter implements ExceptionFilter<QueueError> {
  catch({ code, message }: QueueError, host: ArgumentsHost): void {
    const status = STATUS[code] ?? 503;
    const response = host.switchToHttp().getResponse<Response>();
    response
      .status(status)
      .json(
        status === 503 ? { code: 'UNAVAILABLE', message: 'Try again later.' } : { code, message },
      );
  }
}
