// The daemon: does it keep up, does it judge, do its alerts arrive.

import { dashboard } from './dashboard.mjs';
import { FROM_SELLER, grown as ofStores, ofDaemon } from './queries.mjs';
import { TO_STORE } from './words.mjs';
import { PLAIN, line, named, now, row, rows, series, stat, steps, table, text } from './panels.mjs';

const rate = (family, more) => `rate(${ofDaemon(family, more)}[$__rate_interval])`;
const p = (q, family, by = '', more = '') => `histogram_quantile(${q}, sum by (le${by}) (${rate(`${family}_bucket`, more)}))`;
const grown = (family, more) => `sum(increase(${ofDaemon(family, more)}[$__range]))`;
const bad = steps('green', [0.5, 'red']);

const present = [
  stat('Processes', 'Processes that Prometheus can scrape.', now(`sum(${ofDaemon('up')})`), { decimals: 0, thresholds: steps('red', [1, 'green']) }),
  stat('Lag', 'Records in the input topics that no worker has taken yet.',
    now(`sum(${ofDaemon('contactwatch_kafka_consumer_lag_messages')})`), { decimals: 0, thresholds: steps('green', [1000, 'orange'], [50000, 'red']) }),
  stat('Age of the data', 'Since the newest event that was judged. With no lag and a growing age the collectors are silent.',
    now(`time() - max(${ofDaemon('contactwatch_kafka_last_event_timestamp_seconds')})`), { unit: 's', decimals: 1, thresholds: steps('green', [900, 'orange'], [3600, 'red']) }),
  stat('Events per second', 'Events taken from Kafka.', now(`sum(${rate('contactwatch_events_consumed_total')})`), { unit: 'eps', decimals: 1, thresholds: PLAIN }),
  stat('Judging, 99 %', 'All but one in a hundred events were judged within this time.',
    now(p(0.99, 'contactwatch_message_scoring_seconds')), { unit: 's', decimals: 1, thresholds: steps('green', [0.001, 'orange'], [0.01, 'red']) }),
  stat('Alerts not taken', 'Alerts that an Alertmanager has not accepted yet.',
    now(`sum(${ofDaemon('contactwatch_alert_queue_depth')})`), { decimals: 0, thresholds: steps('green', [10, 'orange'], [100, 'red']) }),
  stat('Dead letters', 'Records that could not be read, in the time range. Look at them: contactwatch dead-letters list.',
    now(grown('contactwatch_events_rejected_total')), { decimals: 0, thresholds: steps('green', [0.5, 'orange'], [100, 'red']) }),
  stat('Errors logged', 'Lines of level error in the log, in the time range.',
    now(grown('contactwatch_log_messages_total', 'level="error"')), { decimals: 0, thresholds: bad }),
];

const kafka = [
  row('Kafka'),
  series('Events taken', 'Events per second by topic and type. Repeated ones are taken and dropped.',
    [line(`sum by (type) (${rate('contactwatch_events_consumed_total')}) > 0`, '{{type}}'), line(`sum(${rate('contactwatch_events_duplicate_total')})`, 'dropped as repeated')], { unit: 'eps', width: 8 }),
  series('Lag', 'Records not taken yet, by topic. A lag that only grows: too few workers or partitions, or a worker that stands still.',
    [line(`sum by (topic) (${ofDaemon('contactwatch_kafka_consumer_lag_messages')})`, '{{topic}}')], { width: 8, decimals: 0 }),
  series('Commits', 'One transaction: state, verdicts, alerts and offsets. Half are faster than the thin line, all but one in a hundred than the thick one.',
    [line(p(0.5, 'contactwatch_kafka_commit_seconds'), 'median'), line(p(0.99, 'contactwatch_kafka_commit_seconds'), '99 %')],
    { unit: 's', width: 8, fill: 0, overrides: [named('median', { 'custom.lineWidth': 1 })] }),
  series('Round trips to brokers', 'As the client of each worker measures them: the 95th percentile of the last seconds.',
    [line(`max by (broker) (${ofDaemon('contactwatch_kafka_broker_rtt_seconds', 'percentile="95"')})`, '{{broker}}')], { unit: 's', width: 8 }),
  series('Records written', 'Verdicts, alerts, dead letters and state, per second. Refused ones are taken back with their transaction and tried again.',
    [line(`sum by (result) (${rate('contactwatch_kafka_produced_total')})`, '{{result}}'), line(`sum(${rate('contactwatch_kafka_commit_failures_total')})`, 'transactions taken back')],
    { unit: 'wps', width: 8, overrides: [named('ok', { color: { mode: 'fixed', fixedColor: 'green' } }), named('error', { color: { mode: 'fixed', fixedColor: 'red' } }), named('transactions taken back', { color: { mode: 'fixed', fixedColor: 'orange' } })] }),
  series('Partitions', 'Partitions owned, by process, and changes of ownership. Changes without a deployment: a process that dies or stalls.',
    [line(`sum by (instance) (${ofDaemon('contactwatch_kafka_assigned_partitions')})`, '{{instance}}'), line(`sum by (type) (increase(${ofDaemon('contactwatch_kafka_rebalances_total')}[$__rate_interval]))`, 'changes: {{type}}')], { width: 8, decimals: 0, stepped: true }),
];

const judging = [
  row('Judging'),
  series('Judging one event', 'One event in 64 is timed. Half are faster than the thin line.',
    [line(p(0.5, 'contactwatch_message_scoring_seconds'), 'median'), line(p(0.99, 'contactwatch_message_scoring_seconds'), '99 %')],
    { unit: 's', width: 8, fill: 0, overrides: [named('median', { 'custom.lineWidth': 1 })] }),
  series('From event to verdict', 'The 99th percentile by platform, from the event\'s own time. Collectors that poll late are in it. Events of a replay or of the demo are old when they arrive: then this says how old, up to an hour.',
    [line(p(0.99, 'contactwatch_end_to_end_seconds', ', platform', 'platform=~"$platform"'), '{{platform}}')], { unit: 's', width: 8 }),
  series('Workers', 'Share of the time in which a worker did not wait. Above 90 % it is at its end: more processes, if there are more partitions.',
    [line(`sum by (instance, worker) (${rate('contactwatch_worker_busy_seconds_total')})`, '{{instance}} worker {{worker}}')], { unit: 'percentunit', width: 8, max: 1, limits: steps('transparent', [0.9, 'red']) }),
  series('Late and unreadable events', 'Per second: older than the stream time they met, and sent to the dead letters by reason. Too many of the latter stop the daemon.',
    [line(`sum(${rate('contactwatch_events_out_of_order_total')})`, 'out of order'), line(`sum by (reason) (${rate('contactwatch_events_rejected_total')}) > 0`, '{{reason}}')], { unit: 'eps', width: 8 }),
  series('State held', 'Entries in memory by kind. They go by age (retention), so they follow the traffic.',
    [line(`sum by (kind) (${ofDaemon('contactwatch_state_entries')})`, '{{kind}}')], { width: 8, decimals: 0 }),
  series('Policies and log', 'Whether the last load worked (1), and warnings and errors in the log.',
    [line(`min(${ofDaemon('contactwatch_config_last_reload_successful')})`, 'last load worked'), line(`sum by (level) (increase(${ofDaemon('contactwatch_log_messages_total', 'level=~"warn|error"')}[$__rate_interval]))`, '{{level}}')],
    { width: 8, decimals: 0, overrides: [named('last load worked', { color: { mode: 'fixed', fixedColor: 'green' } }), named('warn', { color: { mode: 'fixed', fixedColor: 'orange' } }), named('error', { color: { mode: 'fixed', fixedColor: 'red' } })] }),
];

const alerts = [
  row('Alerts on their way'),
  series('Kept up', 'Alerts that the relay keeps sending, by severity.',
    [line(`sum by (severity) (${ofDaemon('contactwatch_alerts_active')})`, '{{severity}}')], { width: 8, decimals: 0 }),
  series('Sent', 'Alerts per second by Alertmanager and result; all active ones go out again every minute. Rejected ones are dropped, errors are tried again.',
    [line(`sum by (sink, result) (${rate('contactwatch_alert_sends_total')})`, '{{sink}} {{result}}')], { unit: 'cps', width: 8 }),
  series('From verdict to Alertmanager', 'The 99th percentile of the time from a verdict to its acceptance, and of one request.',
    [line(p(0.99, 'contactwatch_alert_detection_to_send_seconds', ', sink'), '{{sink}} accepted'), line(p(0.99, 'contactwatch_alert_send_seconds', ', sink'), '{{sink}} request')], { unit: 's', width: 8 }),
];

const quiet = table('Quietest stores', 'The fifteen stores of which the fewest seller messages were judged in the time range. One that is usually busy and has none: is its collector at work? This table alone follows agency and store. A click on a store opens it.',
  [rows(`sort(bottomk(15, sum by (platform, store) (${ofStores('contactwatch_messages_scored_total', FROM_SELLER)})))`)],
  [
    { of: 'platform', name: 'Platform' },
    { of: 'store', name: 'Store', width: 100, links: TO_STORE },
    { of: 'A', name: 'Messages', width: 90, thresholds: steps('orange', [0.5, 'text']) },
  ],
  { width: 8, height: 10 });

const processes = [
  row('Process, and Prometheus itself'),
  series('CPU', 'Cores that a process uses.', [line(`sum by (instance) (${rate('process_cpu_seconds_total')})`, '{{instance}}')], { unit: 'none', width: 6, height: 7, decimals: 2 }),
  series('Memory', 'Resident memory. State grows with conversations and orders; the policies alone take some hundred megabytes.',
    [line(`sum by (instance) (${ofDaemon('process_resident_memory_bytes')})`, '{{instance}}')], { unit: 'bytes', width: 6, height: 7 }),
  series('Open files', 'Share of the file descriptors that a process may open.',
    [line(`max by (instance) (${ofDaemon('process_open_fds')} / ${ofDaemon('process_max_fds')})`, '{{instance}}')], { unit: 'percentunit', width: 6, height: 7, decimals: 1 }),
  series('A scrape', 'Samples that Prometheus gets of a process. Stores beyond metrics.max_stores share series, and are counted.',
    [line(`max by (instance) (${ofDaemon('scrape_samples_scraped')})`, '{{instance}} samples'), line(`sum(${ofDaemon('contactwatch_metrics_series_capped_total')})`, 'stores without series')], { width: 6, height: 7 }),
  table('Builds', 'What runs where. Different versions: a deployment under way, or one that stopped half way.',
    [rows(`group by (instance, version, revision) (${ofDaemon('contactwatch_build_info')})`)],
    [{ of: 'instance', name: 'Process' }, { of: 'version', name: 'Version', width: 80 }, { of: 'revision', name: 'Revision', width: 90 }], { width: 7, height: 4 }),
  table('Packs in force', 'What judges, and by which hash. Different hashes of one pack: a process did not load the new policies.',
    [rows(`group by (pack, policy_version, hash, mode) (${ofDaemon('contactwatch_policy_info')})`)],
    [{ of: 'pack', name: 'Pack' }, { of: 'policy_version', name: 'Version', width: 85 }, { of: 'mode', name: 'Mode', width: 85 }, { of: 'hash', name: 'Hash', width: 150 }], { width: 9, height: 10 }),
  quiet,
  table('Alerts of Prometheus', 'Alerts of the shipped rules that fire now. The watchdog always fires: when it is missing, no alert gets through.',
    [rows('max by (alertname, severity) (ALERTS{alertname=~"Contactwatch.*", alertstate="firing"})')],
    [{ of: 'alertname', name: 'Alert' }, { of: 'severity', name: 'Severity', width: 90 }], { width: 7, height: 6 }),
  text('What to do', 'Where to go on.', `
**Not ready?** \`curl -s localhost:9466/readyz?verbose\` says what is missing. **Lag grows?** Workers at 90 %: start another process; workers idle: look at the brokers. **Alerts wait?** The Alertmanager is slow or gone; nothing is lost, it is told when it is back. Each alert has a page in [the runbooks](https://github.com/contactwatch/contactwatch/blob/main/dashboards/RUNBOOKS.md).`, { height: 3 }),
];

export default dashboard({
  uid: 'contactwatch-ops',
  title: 'Daemon',
  description: 'For operators: does it keep up, does it judge, do its alerts arrive.',
  from: 'now-1h',
  variables: ['datasource', 'job', 'instance', 'platform', 'agency', 'store'],
  panels: [...present, ...kafka, ...judging, ...alerts, ...processes],
});
