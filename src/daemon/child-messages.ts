/** What `fjord start` and the processes it runs say to each other over the channel that Node gives to child processes. */
export type FromChild =
  /** Serves now; `port` is the one it listens on. */
  | { readonly type: 'ready'; readonly port: number }
  /** The drive is mounted there, or not any more. */
  | ({ readonly type: 'mount' } & MountReport)
  /** Something for the person at the terminal, in one line. */
  | { readonly type: 'say'; readonly text: string }
  /** Stop everything: somebody asked for it over the control socket; or, with the exit code, there is nothing to go on with. */
  | { readonly type: 'down'; readonly drain: boolean; readonly code?: number }
  | { readonly type: 'pong' };

export interface MountReport {
  readonly dir: string | null;
  /** Why it is not mounted where it was to be. */
  readonly problem?: string;
  /** Options of the command line for a process that comes after this one; absent: those of before. */
  readonly again?: readonly string[];
}

export type FromParent =
  /** `drain`: upload what is queued first. */
  | { readonly type: 'stop'; readonly drain: boolean }
  /** Whoever lives sends a `pong` back. */
  | { readonly type: 'ping' };

/** The channel to a parent that watches over this process, or undefined if a person or a service manager started it. */
export function parentChannel(): ParentChannel | undefined {
  const send = process.send?.bind(process);
  if (send === undefined) return undefined;
  // A parent that has just died takes no more messages; `onLost` says so.
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
  /** The parent is gone; nobody else will stop this process. */
  onLost(listener: () => void): void;
}

function isFromParent(message: unknown): message is FromParent {
  return typeof message === 'object' && message !== null && 'type' in message;
}

export function isFromChild(message: unknown): message is FromChild {
  return typeof message === 'object' && message !== null && 'type' in message;
}
