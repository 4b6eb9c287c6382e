/** What the server's process and the one that forked it say to each other over the child-process channel. */

import type { FirestoreServer } from './server.ts';

/** The methods of the server that its parent may call. */
export type ControlMethod = 'setLatency' | 'setFault' | 'stats' | 'resetStats' | 'documents' | 'clear';

export interface ControlCall<Method extends ControlMethod = ControlMethod> {
  readonly id: number;
  readonly method: Method;
  readonly args: Parameters<FirestoreServer[Method]>;
}

export type FromServer =
  | { readonly type: 'ready'; readonly port: number }
  /** It could not start. */
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'answer'; readonly id: number; readonly result: unknown };
