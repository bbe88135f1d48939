import {
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { Request } from 'express';
import { createHash, timingSafeEqual } from 'node:crypto';
import { EdgeSettings } from './edge.settings.js';

/** Lets in who has the token. Hashes are compared: of one length, and in a time that tells nothing of where they differ. */
@Injectable()
export class BearerTokenGuard implements CanActivate {
  private readonly wanted: Buffer;

  constructor({ token }: EdgeSettings) {
    this.wanted = digest(token);
  }

  canActivate(context: ExecutionContext): boolean {
    const { authorization = '' } = context.switchToHttp().getRequest<Request>().headers;
    const [, token] = /^Bearer (\S{1,500})$/.exec(authorization) ?? [];
    if (token !== undefined && timingSafeEqual(digest(token), this.wanted)) return true;
    throw new UnauthorizedException(
      'Send the token of REMOTE_WORKER_TOKEN as "Authorization: Bearer ...".',
    );
  }
}

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();
