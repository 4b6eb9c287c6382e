/** The KMS has answered, and what it has there is not what the list says: no waiting mends it. */
export class WrongKeyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WrongKeyError';
  }
}
