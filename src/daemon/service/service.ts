/** What the operating system starts, watches and stops for us. */
export interface ServiceDefinition {
  /** The name among the services of the computer or of the user: lower-case letters, digits, `-`. */
  readonly name: string;
  /** One line for people. */
  readonly description: string;
  /** The absolute path of the executable, then its arguments. */
  readonly program: readonly [string, ...string[]];
  /** Who runs a service of the computer; absent in a service of the user. */
  readonly user?: string;
  /** Where the drive is mounted, so that a mount whose program was killed can be removed. */
  readonly mount?: string;
}

/** Whose service it is: the user's own, or the computer's, which takes an administrator. */
export type ServiceScope = 'user' | 'system';

export interface ServiceState {
  readonly installed: boolean;
  /** Whether it starts by itself. */
  readonly enabled: boolean;
  readonly running: boolean;
  /** When it starts by itself. */
  readonly starts: 'at boot' | 'at login';
}

/** The services of an operating system, for one scope and one name. */
export interface ServiceManager {
  /** The file that describes the service; an absolute path. */
  readonly file: string;
  /** The content of that file. */
  describe(service: ServiceDefinition): string;
  /**
   * Writes the file, makes the service start by itself and starts it now. One that is there already is replaced and restarted.
   * Returns notes for a person: what could not be had, and how to get it.
   * @throws Problem if the operating system refuses
   */
  install(service: ServiceDefinition): Promise<string[]>;
  state(): Promise<ServiceState>;
  /** Stops the service, waits until it has ended, and removes its file. @throws Problem `not-found` if none is installed */
  remove(): Promise<void>;
}
