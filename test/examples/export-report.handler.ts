import {
  Catch,
  ForbiddenException,
  Injectable,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import {
  getQueueContext,
  Job,
  JobResult,
  QueueHandler,
  UnprocessableError,
} from 'nestjs-simple-queue';
import { finalize, type Observable } from 'rxjs';

@Injectable()
export class Customers {
  readonly gone = new Set<string>();
  readonly worked = new Map<string, number>();
}

// #region guard
@Injectable()
export class StillCustomer implements CanActivate {
  constructor(private readonly customers: Customers) {}

  canActivate(host: ExecutionContext): boolean {
    const { jobs } = getQueueContext<{ customer: string }>(host);
    return jobs.every(({ payload }) => !this.customers.gone.has(payload.customer));
  }
}
// #endregion

// #region interceptor
@Injectable()
export class Stopwatch implements NestInterceptor {
  constructor(private readonly customers: Customers) {}

  intercept(host: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { queue } = getQueueContext(host);
    const start = performance.now();
    return next
      .handle()
      .pipe(finalize(() => this.customers.worked.set(queue, performance.now() - start)));
  }
}
// #endregion

// #region pipe
/** Gets the payload; what it returns is `job.payload`. */
export class MonthPipe implements PipeTransform<{ customer: string; month: string }> {
  transform({ customer, month }: { customer: string; month: string }) {
    const from = new Date(`${month}-01T00:00Z`);
    if (Number.isNaN(from.getTime())) throw new UnprocessableError(`"${month}" is no month.`);
    return { customer, from };
  }
}
// #endregion

// #region filter
/** Without it the attempt would fail with "Forbidden resource", and be tried again. */
@Catch(ForbiddenException)
export class NobodyWantsIt implements ExceptionFilter {
  catch(): JobResult<never> {
    return JobResult.cancel('the customer has left');
  }
}
// #endregion

// #region handler
@QueueHandler('reports', { maxAttempts: 5 })
@UseGuards(StillCustomer)
@UseInterceptors(Stopwatch)
@UseFilters(NobodyWantsIt)
export class ExportReport {
  @UsePipes(MonthPipe)
  process({ payload }: Job<{ customer: string; from: Date }>): string {
    return `${payload.customer}-${payload.from.getUTCFullYear()}.pdf`;
  }
}
// #endregion
