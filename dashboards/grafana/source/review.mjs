// Misjudgments: how often the program is wrong, as far as people looked, and which rules are to blame.

import { dashboard } from './dashboard.mjs';
import { FROM_SELLER, grown, of, ratio } from './queries.mjs';
import { PLAIN, benchmark, line, named, now, ranks, row, rows, series, stat, steps, table, text } from './panels.mjs';
import { TO_STORE, UNVERIFIED } from './words.mjs';

const sum = (family, more, window = '$__range') => `sum(increase(${of(family, more)}[${window}]))`;
const LABELS = 'contactwatch_review_verdicts_total';
const MATCHES = 'contactwatch_rule_matches_total';
const FLAGS = 'contactwatch_flags_total';
const REVIEWS = 'contactwatch_reviews_total';
const messages = (window) => sum('contactwatch_messages_scored_total', FROM_SELLER, window);
const MISJUDGED = 'verdict="misjudged"';
/** Labels on flags: a miss is nobody's flag. */
const ON_FLAGS = 'verdict!="missed"';
const BUDGET = 'max(contactwatch_misjudgment_budget_ratio{job=~"$job"})';
const wrong = steps('green', [0.0015, 'orange'], [0.003, 'red']);

const present = [
  stat('Misjudged', `Flags that a reviewer called wrong, over all seller messages judged, in the time range. Red from 0.3 % on (${UNVERIFIED}). What nobody reviewed is not in it: read it with the share of flags reviewed.`,
    now(ratio(sum(LABELS, MISJUDGED), messages())), { unit: 'percentunit', decimals: 2, thresholds: wrong }),
  stat('Were all reviewed', 'An estimate: the share of wrong ones among labelled flags, carried over to all flags. Fair only when reviewers choose at random.',
    now(`${ratio(sum(LABELS, MISJUDGED), sum(LABELS, ON_FLAGS))} * ${ratio(sum(FLAGS), messages())}`), { unit: 'percentunit', decimals: 2, thresholds: wrong }),
  stat('Budget left', 'What is left of the configured budget (metrics.misjudgment_budget) for the time range. Below zero: more was misjudged than may be.',
    now(`1 - ${ratio(sum(LABELS, MISJUDGED), messages())} / ${BUDGET}`), { unit: 'percentunit', decimals: 0, thresholds: steps('red', [0, 'orange'], [0.5, 'green']) }),
  stat('Messages judged', 'Seller messages in the time range: the denominator. Without any misjudgment among n messages the true rate may still be 3/n, so below 1,000 nothing can be said about 0.3 %.',
    now(messages()), { decimals: 1, thresholds: steps('orange', [1000, 'text']) }),
  stat('Flags reviewed', 'Share of flagged verdicts that got a first label, in the time range. Below a tenth the numbers here say little.',
    now(ratio(sum(REVIEWS), sum(FLAGS))), { unit: 'percentunit', decimals: 0, thresholds: steps('red', [0.1, 'orange'], [0.3, 'green']) }),
  stat('Waiting for review', 'Flagged verdicts of the time range without a label.',
    now(`clamp_min(${sum(FLAGS)} - ${sum(REVIEWS)}, 0)`), { decimals: 0, thresholds: PLAIN }),
  stat('Missed', 'Violations that a person found and the program did not, in the time range. Each is a case for the lexicons.',
    now(sum(LABELS, 'verdict="missed"')), { decimals: 0, thresholds: steps('green', [0.5, 'orange']) }),
  stat('Label comes after', 'Median time from a verdict to its first label, in the time range. Late labels make these numbers late.',
    now(`histogram_quantile(0.5, sum by (le) (increase(${of('contactwatch_review_delay_seconds_bucket')}[$__range])))`), { unit: 's', decimals: 1, thresholds: steps('green', [172800, 'orange'], [604800, 'red']) }),
];

const BRIEF = '0.3 %: brief, unverified';
const overTime = (window) =>
  series(`Misjudged per message, ${window === '1d' ? 'one day' : 'seven days'}`,
    `By platform, over the ${window === '1d' ? 'day: a new policy or lexicon shows here first' : 'seven days: what the budget is held against'}. The dashed line, 0.3 %, is ${UNVERIFIED}. Purple marks are loads of policies.`,
    [
      line(`max by (platform) (platform:contactwatch_misjudged_per_messages_scored:ratio_increase${window}{job=~"$job", platform=~"$platform"})`, '{{platform}}'),
      line('vector(0.003)', BRIEF),
    ],
    { unit: 'percentunit', decimals: 2, softMax: 0.004, overrides: [benchmark(BRIEF, 'red')] });

const trends = [
  row('Is it right?'),
  overTime('1d'),
  overTime('7d'),
  series('What reviewers say', 'Labels by what they say; a label counts once for each rule of its verdict. One bar is an hour, or longer in long time ranges.',
    [line(`sum by (verdict) (increase(${of(LABELS)}[$__interval]))`, '{{verdict}}')], { bars: true, interval: '1h', decimals: 0 }),
  series('Flags, and flags reviewed', 'Flagged verdicts, and first labels, over the day before each point. When the two lines part, the backlog grows.',
    [line(sum(FLAGS, '', '1d'), 'flagged'), line(sum(REVIEWS, '', '1d'), 'reviewed')],
    { decimals: 0, overrides: [named('flagged', { color: { mode: 'fixed', fixedColor: 'orange' } }), named('reviewed', { color: { mode: 'fixed', fixedColor: 'green' } })] }),
];

const byRule = (more) => `sum by (rule) (increase(${of(LABELS, more)}[$__range]))`;
const byStore = (vector) => `sum by (platform, store) (${vector})`;
const VIOLATIONS = grown('contactwatch_violations_total');
const MESSAGES = grown('contactwatch_messages_scored_total', FROM_SELLER);
const SHARE = `(${byStore(VIOLATIONS)} / (${byStore(MESSAGES)} > 20))`;
const rules = [
  row('Which rules?'),
  table('Rules', 'Findings of packs in force and what reviewers said of them, in the time range. A rule that is mostly wrong costs more attention than it is worth: soften it, mask it, or let it shadow. "none" are labels on verdicts without findings.',
    [
      rows(`sum by (rule) (increase(${of(MATCHES, 'action="alert"')}[$__range])) > 0`),
      rows(byRule('verdict=~"confirmed|accepted_risk"')),
      rows(byRule(MISJUDGED)),
      rows(ratio(byRule(MISJUDGED), byRule(ON_FLAGS))),
      rows(`${byRule(MISJUDGED)} / on () group_left () (${sum(LABELS, MISJUDGED)} > 0)`),
    ],
    [
      { of: 'rule', name: 'Rule' },
      { of: 'A', name: 'Findings', width: 85 },
      { of: 'B', name: 'Confirmed', width: 95 },
      { of: 'C', name: 'Misjudged', width: 95, thresholds: steps('text', [0.5, 'orange']) },
      { of: 'D', name: 'Wrong, of labelled', unit: 'percentunit', width: 140, thresholds: steps('text', [0.2, 'orange'], [0.5, 'red']) },
      { of: 'E', name: 'Share of all wrong', unit: 'percentunit', width: 140 },
    ],
    { width: 12, height: 16, sort: 'Findings' }),
  ranks('Findings that only shadow', 'Findings of packs or rules in shadow mode, in the time range: what they would alert if they were in force. Nobody is alerted.',
    [now(`sort_desc(topk(8, sum by (rule) (increase(${of(MATCHES, 'action="shadow"')}[$__range])) > 0))`, '{{rule}}')],
    { width: 7, height: 8, color: 'purple' }),
  ranks('Hits that were taken back', 'Words that looked like a violation and were recognised as none: by a mask, a guard or an exception. A reason that drops to nothing no longer protects.',
    [now(`sort_desc(topk(8, sum by (reason) (increase(${of('contactwatch_suppressions_total')}[$__range])) > 0))`, '{{reason}}')],
    { width: 5, height: 8, color: 'green' }),
  table('Where to take samples', 'The stores with the most violations for each seller message in the time range, from twenty messages on: if the program is wrong about a store, it is wrong here. What reviewers say is counted by platform and rule; this table alone follows agency and store. A click on a store opens it.',
    [
      rows(`topk(20, ${SHARE})`),
      rows(`${byStore(VIOLATIONS)} and on (platform, store) topk(20, ${SHARE})`),
      rows(`${byStore(MESSAGES)} and on (platform, store) topk(20, ${SHARE})`),
    ],
    [
      { of: 'platform', name: 'Platform' },
      { of: 'store', name: 'Store', width: 100, links: TO_STORE },
      { of: 'B', name: 'Violations', width: 90 },
      { of: 'C', name: 'Messages', width: 90 },
      { of: 'A', name: 'Per message', unit: 'percentunit', decimals: 1, width: 110, thresholds: steps('text', [0.03, 'orange'], [0.1, 'red']) },
    ],
    { width: 12, height: 8, sort: 'Per message' }),
];

const explained = [
  text('How to read this', 'Which ratio is which.', `
**Misjudged per message** is wrong flags over *all* seller messages; the budget is held against it. **Wrong, of labelled** is wrong flags over *reviewed* flags; it says whether a rule is worth its noise. They are not comparable.

Only labels count ([dispositions](https://github.com/contactwatch/contactwatch/blob/main/docs/operations.md)). The 0.3 % is a number of the product brief that nobody has verified.`, { height: 4 }),
];

export default dashboard({
  uid: 'contactwatch-review',
  title: 'Misjudgments',
  description: 'For authors of policies and reviewers: how often the program is wrong, and which rules are to blame.',
  from: 'now-30d',
  variables: ['datasource', 'job', 'platform', 'agency', 'store'],
  panels: [...present, ...trends, ...rules, ...explained],
});
