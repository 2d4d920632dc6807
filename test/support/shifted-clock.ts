// Preloaded into a gateway under test: its wall clock, in every thread, is off by as many ms as the file in CLOCK_FILE says.

import { readFileSync } from 'node:fs';

const file = process.env['CLOCK_FILE'] ?? '';
const trueNow = Date.now;
Date.now = () => trueNow() + Number(readFileSync(file, 'utf8'));
