/** The licences of what is in a bundle: most of them ask that their text goes along. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGE = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;
const LICENSE_FILE = /^(?:licen[cs]e|copying)\b/i;
/** Some packages have the text in their README alone; others only name it there. */
const README_SECTION = /^#*\s*licen[cs]e\s*\n(?:-+\n)?(?<text>[\s\S]*Permission is hereby granted[\s\S]*)/im;
const RULE = '='.repeat(80);

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Undefined where the package has none. */
  readonly text: string | undefined;
}

/**
 * Packages with the same text share it.
 * @param files paths of the files in the bundle, below `root`
 * @throws Error for a package without the text of its licence
 */
export function licenseTexts(root: string, files: readonly string[]): string {
  const folders = new Set(files.flatMap((file) => PACKAGE.exec(file)?.[0] ?? []));
  const packages = [...folders].sort().map((folder) => describe(join(root, folder)));
  const byText = Map.groupBy(packages, (row) => row.text ?? textOfPublisher(row, packages));
  return [...byText]
    .map(([text, rows]) => `${RULE}\n${rows.map(heading).join('\n')}\n\n${text}\n`)
    .join('\n');
}

const heading = ({ name, version, license }: Package) => `${name} ${version} (${license})`;

function describe(folder: string): Package {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const read = (entry: string) => readFileSync(join(folder, entry), 'utf8');
  const entries = readdirSync(folder);
  const file = entries.find((entry) => LICENSE_FILE.test(entry));
  const text = file === undefined ? inReadme(entries, read) : read(file);
  return { name, version, license, text: text?.trim() };
}

function inReadme(entries: readonly string[], read: (entry: string) => string): string | undefined {
  const readme = entries.find((entry) => /^readme\b/i.test(entry));
  return readme === undefined ? undefined : README_SECTION.exec(read(readme))?.groups?.text;
}

/** The Apache licence has one text, and only its last lines name who gives it: the same for a publisher's packages. */
function textOfPublisher({ name, license }: Package, packages: readonly Package[]): string {
  const [scope] = name.split('/');
  const sibling = packages.find(
    (other) => other.text !== undefined && other.license === license && other.name.startsWith(`${scope}/`),
  );
  if (license === 'Apache-2.0' && sibling?.text !== undefined) return sibling.text;
  throw new Error(`${name} is in the bundle, and has no text of its licence.`);
}
