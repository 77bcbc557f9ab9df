/** A program that the operating system starts, supervises and stops. */
export interface ServiceDefinition {
  /** Its name among the services of the computer or the user: lower-case letters, digits, `-`. */
  readonly name: string;
  /** A description in one line. */
  readonly description: string;
  /** The absolute path of the executable, then its arguments. */
  readonly program: readonly [string, ...string[]];
  /** The user that a service of the computer runs as; absent in a service of the user. */
  readonly user?: string;
  /** The mount point, so that the mount can be removed if the program is killed. */
  readonly mount?: string;
}

/** A service of the user, or of the computer, which only an administrator can install. */
export type ServiceScope = 'user' | 'system';

export interface ServiceState {
  readonly installed: boolean;
  /** Whether it starts automatically. */
  readonly enabled: boolean;
  readonly running: boolean;
  /** When it starts automatically. */
  readonly starts: 'at boot' | 'at login';
}

/** The service manager of an operating system, for one scope and one name. */
export interface ServiceManager {
  /** Absolute path of the file that describes the service. */
  readonly file: string;
  /** The content of that file. */
  describe(service: ServiceDefinition): string;
  /**
   * Writes the file, makes the service start automatically, and starts it now. An existing service is replaced and
   * restarted. Resolves to notes for the user: what is not available, and how to get it.
   * @throws Problem if the operating system refuses
   */
  install(service: ServiceDefinition): Promise<string[]>;
  state(): Promise<ServiceState>;
  /** Stops the service, waits until it has ended, and removes its file. @throws Problem `not-found` if none is installed */
  remove(): Promise<void>;
}
