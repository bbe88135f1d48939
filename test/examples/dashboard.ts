// #region module
import { Injectable, Module, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, DynamicModule, ExecutionContext } from '@nestjs/common';
import { SimpleQueueDashboardModule } from 'nestjs-simple-queue/dashboard';
// #endregion
import { createHash, timingSafeEqual } from 'node:crypto';

interface User {
  email: string;
  isOperator: boolean;
}

@Injectable()
export class Sessions {
  private readonly users = new Map<string, User>();

  open(cookie: string, user: User): void {
    this.users.set(cookie, user);
  }

  userOf(cookie: string | undefined): User | undefined {
    return this.users.get(cookie ?? '');
  }
}

@Module({ providers: [Sessions], exports: [Sessions] })
export class AuthModule {}

// #region guard
/** A browser sends cookies along with every address that it opens, and no other token. */
@Injectable()
export class SessionGuard implements CanActivate {
  constructor(private readonly sessions: Sessions) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context
      .switchToHttp()
      .getRequest<{ headers: { cookie?: string }; user?: User | undefined }>();
    request.user = this.sessions.userOf(request.headers.cookie);
    if (request.user) return true;
    throw new UnauthorizedException();
  }
}
// #endregion

// #region module
const dashboard = (): DynamicModule =>
  SimpleQueueDashboardModule.forRoot({
    path: 'admin/queues',
    imports: [AuthModule],
    guards: [SessionGuard],
    access: (request: { user: User }) => (request.user.isOperator ? 'all' : 'read'),
    actor: (request: { user: User }) => request.user.email,
  });
// #endregion

// #region basic
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Asks the browser for a name and a password. Behind TLS only: it sends them with every request. */
@Injectable()
export class BasicGuard implements CanActivate {
  private readonly wanted = digest(`Basic ${btoa(`admin:${process.env.QUEUES_PASSWORD}`)}`);

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { authorization = '' } = http.getRequest<{ headers: Record<string, string> }>().headers;
    if (process.env.QUEUES_PASSWORD && timingSafeEqual(digest(authorization), this.wanted))
      return true;
    const response = http.getResponse<{ header(name: string, value: string): void }>();
    response.header('www-authenticate', 'Basic realm="queues"');
    throw new UnauthorizedException();
  }
}
// #endregion

export { dashboard };
