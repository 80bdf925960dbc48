/** How a backend can fail a job before any request does, and what is said of it. Main thread. */

import { type BlockConfig, BlockConfigError } from '../../src/drivers/block-config.ts';
import { ProtocolError } from '../../src/vhost-user/messages/errors.ts';
import { grouped } from '../command-line/columns.ts';

/** vhost-user does not tell of what kind a device is. */
export const WRONG_KIND_HINT = '(is it a block backend?)';

const BUSY_HINT = '(is another frontend connected? a server serves one at a time)';

/** A backend that does not answer does nothing; any other error is one. */
export const outcomeOf = (error: unknown): 'stalled' | 'failed' =>
  error instanceof ProtocolError && error.code === 'timed-out' ? 'stalled' : 'failed';

/** What went wrong before anything was driven. The first question waits while the backend serves another frontend. */
export function connectMessage(socket: string, error: Error): string {
  if (error instanceof BlockConfigError) return `${error.message} ${WRONG_KIND_HINT}`;
  if (error instanceof OtherDiskError) return error.message;
  const busy = error instanceof ProtocolError && error.code === 'timed-out' && error.request === 'GET_FEATURES';
  return `--socket ${socket}: ${error.message}${busy ? ` ${BUSY_HINT}` : ''}`;
}

export class OtherDiskError extends Error {
  constructor(difference: string) {
    super(`the backend came back as another disk: ${difference}`);
    this.name = 'OtherDiskError';
  }
}

/** What must be as it was, and how it is said. */
const FIELDS: [field: keyof BlockConfig, said: (disk: BlockConfig) => string, unit: string][] = [
  ['sizeBytes', ({ sizeBytes }) => grouped(sizeBytes), ' bytes'],
  ['readOnly', ({ readOnly }) => (readOnly ? 'read-only' : 'writable'), ''],
  ['blockSizeBytes', ({ blockSizeBytes }) => `${blockSizeBytes}`, ' bytes a block'],
  ['elementBytesMax', ({ elementBytesMax }) => `${elementBytesMax}`, ' bytes an element at most'],
  ['elementsMax', ({ elementsMax }) => `${elementsMax}`, ' elements a request at most'],
];

/** What is different first; null: it is the same disk as far as its driver can see. */
export function differenceOf(was: BlockConfig, now: BlockConfig): string | null {
  const found = FIELDS.find(([field]) => was[field] !== now[field]);
  if (found === undefined) return null;
  const [, said, unit] = found;
  return `${said(now)}${unit}, was ${said(was)}`;
}
