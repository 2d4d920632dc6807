import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatFault } from '../../src/config/fault.ts';
import { readVendorFile } from '../../src/config/vendor-file.ts';
import { YamlFile } from '../../src/config/yaml-file.ts';
import { type Vendor, vendorFaults } from '../../src/pool/vendor.ts';

export const VENDOR_FOLDER = join(import.meta.dirname, '../../pools/vendors');

/** A vendor of this file text; throws its faults. */
export function vendorOf(text: string, file = 'x.yaml'): Vendor {
  const reading = readVendorFile(new YamlFile(file, text));
  const faults = reading.ok ? vendorFaults(reading.vendor) : reading.faults;
  if (reading.ok && faults.length === 0) return reading.vendor;
  throw new Error(faults.map(formatFault).join('\n'));
}

/** A vendor whose file comes along. */
export function shippedVendor(name: string): Vendor {
  const file = join(VENDOR_FOLDER, `${name}.yaml`);
  return vendorOf(readFileSync(file, 'utf8'), file);
}
