/** `countersign licenses show` */
import { answer, type OutputOptions } from '../output.ts';
import { openService } from '../service.ts';
import { licenseMembers } from './queries.ts';

export async function showLicense(id: string, options: OutputOptions): Promise<void> {
  const { value, etag } = await openService().licenses.getTagged(id);
  const shown = { ...value, etag };
  answer(options, shown, () => licenseMembers(shown));
}
