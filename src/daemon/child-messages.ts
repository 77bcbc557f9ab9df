/** What `fjord start` and the processes it runs say to each other over the channel that Node gives to child processes. */
export type FromChild =
  /** Serves now; `port` is the one it listens on. */
  | { readonly type: 'ready'; readonly port: number }
  /** The drive is mounted there, or not any more. */
  | ({ readonly type: 'mount' } & MountReport)
  /** Something for the person at the terminal, in one line. */
  | { readonly type: 'say'; readonly text: string }
  /** Somebody asked over the control socket to stop everything. */
  | { readonly type: 'down'; readonly drain: boolean };

export interface MountReport {
  readonly dir: string | null;
  /** Why it is not mounted where it was to be. */
  readonly problem?: string;
  /** Options of the command line for a process that comes after this one; absent: those of before. */
  readonly again?: readonly string[];
}

export interface FromParent {
  readonly type: 'stop';
  /** Whether to upload what is queued first. */
  readonly drain: boolean;
}

/** The channel to a parent that watches over this process, or undefined if a person or a service manager started it. */
export function parentChannel(): ParentChannel | undefined {
  const send = process.send?.bind(process);
  if (send === undefined) return undefined;
  return {
    // A parent that has just died takes no more messages; `onLost` says so.
    tell: (message) => void (process.connected && send(message, undefined, undefined, () => undefined)),
    onStop: (listener) => process.on('message', (message) => isStop(message) && listener(message.drain)),
    onLost: (listener) => process.once('disconnect', listener),
  };
}

export interface ParentChannel {
  tell(message: FromChild): void;
  onStop(listener: (drain: boolean) => void): void;
  /** The parent is gone; nobody else will stop this process. */
  onLost(listener: () => void): void;
}

function isStop(message: unknown): message is FromParent {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'stop';
}

export function isFromChild(message: unknown): message is FromChild {
  return typeof message === 'object' && message !== null && 'type' in message;
}
