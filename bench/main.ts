import { Command } from 'commander';
import { benchDatabase } from './database.ts';
import { benchDmsStandIn } from './dms-stand-in.ts';
import { benchFlights } from './flights.ts';
import { benchFreshness } from './freshness.ts';
import { benchKinesis } from './kinesis.ts';

const program = new Command('npm run bench --')
  .description('Figures, as ratios against named peers in one run; on Linux')
  .argument('[what]', 'flights, freshness, database, dms-stand-in, kinesis or all', 'all')
  .option('--rounds <number>', 'of flights, database and kinesis, after one warm-up', '5')
  .option('--events <number>', 'of freshness, at each interval', '30')
  .option('--changes <number>', 'of database; 0 leaves them out', '1000000')
  .option('--load <number>', 'rows of a full load, of database; 0 leaves it out', '5000000')
  .option('--records <number>', 'of kinesis', '1000000');
program.parse();
const [what] = program.processedArgs as [string];
type Options = Readonly<Record<'rounds' | 'events' | 'changes' | 'load' | 'records', string>>;
const { rounds, events, changes, load, records } = program.opts<Options>();
const say = (text: string) => console.error(text);
const figures: Record<string, object> = {};
if (what === 'all' || what === 'flights') figures['flights'] = await benchFlights(Number(rounds), say);
if (what === 'all' || what === 'freshness') {
  figures['freshness at 1 s'] = await benchFreshness('1s', Number(events), say);
  figures['freshness at 10 s'] = await benchFreshness('10s', Number(events), say);
}
if (what === 'all' || what === 'database') {
  const sizes = { rounds: Number(rounds), changes: Number(changes), load: Number(load) };
  figures['database'] = await benchDatabase(sizes, say);
}
if (what === 'all' || what === 'dms-stand-in') figures['dms stand-in'] = await benchDmsStandIn(say);
if (what === 'all' || what === 'kinesis')
  figures['kinesis'] = await benchKinesis(Number(records), Number(rounds), say);
console.log(JSON.stringify(figures, null, 2));
