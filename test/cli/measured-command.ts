// The command line in a process of its own, which says at its end how much memory it held at most.
import { main } from '../../src/cli/program.ts';

const code = await main(process.argv.slice(2));
process.stderr.write(`${JSON.stringify({ maxRssKiB: process.resourceUsage().maxRSS })}\n`);
process.exit(code);
