// Fleet compliance: is the fleet clean, where is it not, and how does it stand beside the brief's numbers.

import { dashboard } from './dashboard.mjs';
import { STORES, FROM_SELLER, LATE, grown, of, ofAgency, ofStore, ratio } from './queries.mjs';
import { benchmark, line, named, now, ranks, row, rows, series, stat, steps, table, text } from './panels.mjs';
import { NOT_BY_STORE, TO_STORE, UNVERIFIED } from './words.mjs';

const violations = (more, window) => grown('contactwatch_violations_total', more, window);
const messages = (window) => grown('contactwatch_messages_scored_total', FROM_SELLER, window);
const replies = (more) => grown('contactwatch_sla_responses_total', more);
const CRITICAL = 'severity="critical"';
const stores = `count(${STORES})`;

/** Acts of the marketplaces over 30 days, for each store that is watched. */
const acts = (kind) =>
  ratio(`sum(increase(${of('contactwatch_enforcements_total', `kind="${kind}"`)}[30d]))`,
    `count(group by (platform, store) (${of('contactwatch_conversations_awaiting_reply')}))`);

const present = [
  stat('Critical violations', 'Verdicts with a critical finding that counts, in the time range. Each can cost the store its contact rights: open the worst stores below.',
    now(`sum(${violations(CRITICAL)})`), { decimals: 0, thresholds: steps('green', [1, 'orange'], [10, 'red']) }),
  stat('Per message', 'Violations of any severity for each seller message, in the time range. Overdue replies count as violations, though nobody wrote.',
    now(ratio(`sum(${violations()})`, `sum(${messages()})`)), { unit: 'percentunit', decimals: 2, thresholds: steps('green', [0.005, 'orange'], [0.03, 'red']) }),
  stat('Stores concerned', 'Share of the stores that had at least one violation in the time range.',
    now(ratio(`(count(sum by (platform, store) (${violations()}) > 0) or vector(0))`, stores)), { unit: 'percentunit', decimals: 1, thresholds: steps('green', [0.127, 'orange'], [0.5, 'red']) }),
  stat('Replies in time', 'Buyer questions answered before the deadline of their platform, of all that were answered or became overdue.',
    now(`1 - ${ratio(`sum(${replies(LATE)})`, `sum(${replies()})`)}`), { unit: 'percentunit', decimals: 1, thresholds: steps('red', [0.95, 'orange'], [0.99, 'green']) }),
  stat('Misjudged', `Flags that a reviewer called wrong, over all seller messages judged, in the time range. Red from 0.3 % on (${UNVERIFIED}). Means something from 1,000 messages on, and only as far as flags are reviewed. ${NOT_BY_STORE}`,
    now(ratio(`sum(increase(${of('contactwatch_review_verdicts_total', 'verdict="misjudged"')}[$__range]))`, `sum(increase(${of('contactwatch_messages_scored_total', FROM_SELLER)}[$__range]))`)),
    { unit: 'percentunit', decimals: 2, thresholds: steps('green', [0.003, 'red']) }),
  stat('Open questions', 'Buyers who wait for an answer now.',
    now(`sum(${ofAgency(ofStore('contactwatch_conversations_awaiting_reply'))})`), { decimals: 0 }),
  stat('Stores watched', 'Stores that sent an event or stand in the file of stores. Fewer than you have: a collector is down.',
    now(stores), { decimals: 0 }),
  stat('Age of the data', 'Since the newest event that was judged. When it grows, every number here is old: see the daemon dashboard.',
    now('time() - max(contactwatch_kafka_last_event_timestamp_seconds{job=~"$job"})'), { unit: 's', decimals: 0, thresholds: steps('green', [900, 'orange'], [3600, 'red']) }),
];

const trends = [
  row('What happens'),
  series('Violations by severity', 'Verdicts by their worst finding that counts. One bar is an hour, or longer in long time ranges.',
    [line(`sum by (severity) (${violations('', '$__interval')})`, '{{severity}}')], { bars: true, interval: '1h', decimals: 0 }),
  series('Violations by platform', 'The same verdicts by platform. One bar is an hour, or longer in long time ranges.',
    [line(`sum by (platform) (${violations('', '$__interval')})`, '{{platform}}')], { bars: true, interval: '1h', decimals: 0 }),
  series('Violations per message, by agency', 'Over the six hours before each point. An agency that leaves the others behind has a template or a habit to look at.',
    [line(ratio(
      `sum by (agency) (sum by (job, platform, store) (${violations('', '6h')}) * on (job, platform, store) group_left (agency) platform_store:contactwatch_agency:info)`,
      `sum by (agency) (sum by (job, platform, store) (${messages('6h')}) * on (job, platform, store) group_left (agency) platform_store:contactwatch_agency:info)`), '{{agency}}')],
    { unit: 'percentunit', decimals: 1 }),
  series('Acts of the marketplaces, per store', `Warnings and freezes in the 30 days before each point, for each store watched: a store that was warned twice counts twice. The dashed lines are ${UNVERIFIED}: they invite a question, they are no target. ${NOT_BY_STORE}`,
    [
      line(acts('warning'), 'warnings per store'),
      line(acts('freeze'), 'freezes per store'),
      line('vector(0.127)', '12.7 % of stores warned: brief, unverified'),
      line('vector(0.032)', '3.2 % of stores frozen: brief, unverified'),
    ],
    {
      unit: 'percentunit', decimals: 1,
      overrides: [
        // Where a freeze follows each warning the lines are one; then the warnings still show beneath.
        named('warnings per store', { color: { mode: 'fixed', fixedColor: 'orange' }, 'custom.lineWidth': 5, 'custom.fillOpacity': 0 }),
        named('freezes per store', { color: { mode: 'fixed', fixedColor: 'red' } }),
        benchmark('12.7 % of stores warned: brief, unverified', 'super-light-orange'),
        benchmark('3.2 % of stores frozen: brief, unverified', 'super-light-red'),
      ],
    }),
];

/** A number for each store, for the worst twenty alone. */
const ofWorst = (vector) =>
  `sum by (platform, store) (${vector}) and on (platform, store) topk(20, sum by (platform, store) (${violations()}) > 0)`;

const places = [
  row('Where, and what'),
  table('Worst stores', 'The twenty stores with the most violations in the time range. A click on a store opens it.',
    [
      rows(`topk(20, sum by (platform, store, agency) (${violations()} * on (job, platform, store) group_left (agency) platform_store:contactwatch_agency:info) > 0)`),
      rows(ofWorst(violations(CRITICAL))),
      rows(`sum by (platform, store) (${violations()}) / (sum by (platform, store) (${messages()}) > 0) and on (platform, store) topk(20, sum by (platform, store) (${violations()}) > 0)`),
      rows(ofWorst(replies(LATE))),
      rows(ofWorst(ofAgency(ofStore('contactwatch_conversations_awaiting_reply')))),
    ],
    [
      { of: 'platform', name: 'Platform', width: 140 },
      { of: 'store', name: 'Store', width: 110, links: TO_STORE },
      { of: 'agency', name: 'Agency' },
      { of: 'A', name: 'Violations', width: 110 },
      { of: 'B', name: 'Critical', width: 90, thresholds: steps('text', [0.5, 'orange'], [3, 'red']) },
      { of: 'C', name: 'Per message', unit: 'percentunit', decimals: 1, width: 120, thresholds: steps('text', [0.03, 'orange'], [0.1, 'red']) },
      { of: 'D', name: 'Late replies', width: 115, thresholds: steps('text', [0.5, 'orange']) },
      { of: 'E', name: 'Open now', width: 105 },
    ],
    { width: 15, height: 14, sort: 'Violations' }),
  ranks('Findings by rule', `The twelve rules that find most, in the time range. Only findings of packs in force; what shadows is on the misjudgments dashboard. ${NOT_BY_STORE}`,
    [now(`sort_desc(topk(12, sum by (rule) (increase(${of('contactwatch_rule_matches_total', 'action="alert"')}[$__range])) > 0))`, '{{rule}}')],
    { width: 9, height: 14 }),
];

const explained = [
  text('How to read this', 'What counts, and where to go on.', `
A **violation** is a verdict with a certain finding of severity *critical* or *warning*; suspicions are left to a reviewer. A verdict counts once, by its worst finding.

**A store stands out?** Open it from the table. **All stores of a platform rise at once?** Look for a new policy (purple marks) before you look for guilty sellers. **Replies are late?** [Reply time](/d/contactwatch-sla). **Flags look wrong?** [Misjudgments](/d/contactwatch-review).

Lines called *brief, unverified* are numbers of the product brief that nobody has checked: 12.7 % of stores warned, 3.2 % frozen, 0.3 % misjudged.`, { height: 5 }),
];

export default dashboard({
  uid: 'contactwatch-fleet',
  title: 'Fleet compliance',
  description: 'For heads of agencies and compliance: is the fleet clean, and where is it not.',
  from: 'now-24h',
  variables: ['datasource', 'job', 'platform', 'agency', 'store'],
  panels: [...present, ...trends, ...places, ...explained],
});
