/** What operators call. */
import type { Mailer } from '../../shared/ports/mailer.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { accessEndpoints } from './access.ts';
import { activationEndpoints } from './activations.ts';
import { auditEndpoints } from './audit.ts';
import { customerEndpoints } from './customers.ts';
import { deliverEndpoints } from './deliver.ts';
import { importEndpoints } from './import.ts';
import { adminLicenseEndpoints } from './licenses.ts';
import { productEndpoints } from './products.ts';
import { remindEndpoints } from './remind.ts';

/** Without a mailer no licence is sent by e-mail. */
export function adminEndpoints(ports: Ports, settings: Settings, mailer?: Mailer): Endpoint[] {
  return [
    // Before those with a licence's id in that place, which would take `import` for one.
    ...importEndpoints(ports, settings),
    ...productEndpoints(settings),
    ...deliverEndpoints(ports, settings, mailer),
    ...remindEndpoints(ports, mailer),
    ...customerEndpoints(ports),
    ...auditEndpoints(ports),
    ...accessEndpoints(ports),
    ...activationEndpoints(ports),
    ...adminLicenseEndpoints(ports, settings),
  ];
}
