/** The messages between `fjord start` and its child processes, over Node's IPC channel. */
export type FromChild =
  /** The process is serving now, on `port`. */
  | { readonly type: 'ready'; readonly port: number }
  /** The state of the mount has changed. */
  | ({ readonly type: 'mount' } & MountReport)
  /** A line to print on the terminal. */
  | { readonly type: 'say'; readonly text: string }
  /**
   * Stop everything: a client of the control socket has requested it, or, with an exit code, the process cannot
   * continue.
   */
  | { readonly type: 'down'; readonly drain: boolean; readonly code?: number }
  | { readonly type: 'pong' };

export interface MountReport {
  readonly dir: string | null;
  /** Why the drive is not mounted although it should be. */
  readonly problem?: string;
  /** Command-line options for the process that replaces this one; absent: the same as for this one. */
  readonly again?: readonly string[];
}

export type FromParent =
  /** `drain`: upload what is queued first. */
  | { readonly type: 'stop'; readonly drain: boolean }
  /** A process that is not hanging responds with `pong`. */
  | { readonly type: 'ping' };

/** The channel to a supervising parent, or undefined if this process was started by a user or a service manager. */
export function parentChannel(): ParentChannel | undefined {
  const send = process.send?.bind(process);
  if (send === undefined) return undefined;
  // Sending fails if the parent has just died; `onLost` reports that.
  const tell = (message: FromChild): void =>
    void (process.connected && send(message, undefined, undefined, () => undefined));
  process.on('message', (message) => isFromParent(message) && message.type === 'ping' && tell({ type: 'pong' }));
  return {
    tell,
    onStop: (listener) =>
      process.on('message', (message) => isFromParent(message) && message.type === 'stop' && listener(message.drain)),
    onLost: (listener) => process.once('disconnect', listener),
  };
}

export interface ParentChannel {
  tell(message: FromChild): void;
  onStop(listener: (drain: boolean) => void): void;
  /** Called when the parent has died, after which nothing else would stop this process. */
  onLost(listener: () => void): void;
}

function isFromParent(message: unknown): message is FromParent {
  return typeof message === 'object' && message !== null && 'type' in message;
}

export function isFromChild(message: unknown): message is FromChild {
  return typeof message === 'object' && message !== null && 'type' in message;
}
