// Selectors and small pieces of PromQL that all dashboards share.

/** Labels of everything that a platform is known of. */
const PLATFORM = 'job=~"$job", platform=~"$platform"';

/** Series of a family that has no store: `of('contactwatch_flags_total')`. */
export const of = (family, more = '') => `${family}{${PLATFORM}${more && `, ${more}`}}`;

/** Series of one of the six families with a store. */
export const ofStore = (family, more = '') => of(family, `store=~"$store"${more && `, ${more}`}`);

/** Series of the daemon itself. */
export const ofDaemon = (family, more = '') => `${family}{job=~"$job", instance=~"$instance"${more && `, ${more}`}}`;

/**
 * Leaves out the stores of agencies that are not chosen. A set operator, because it accepts what several processes or
 * no recording rules make of the right side: a join would be an error, or nothing.
 */
export const ofAgency = (vector) =>
  `(${vector} unless on (job, platform, store) platform_store:contactwatch_agency:info{agency!~"$agency"})`;

/** Stores that are chosen, one series each. */
export const STORES = ofAgency(
  `group by (job, platform, store) (${ofStore('contactwatch_conversations_awaiting_reply')})`,
);

/** How much a per-store counter grew in a window, of the chosen stores. */
export const grown = (family, more, window = '$__range') => ofAgency(`increase(${ofStore(family, more)}[${window}])`);

/** A part of a whole; where there is no whole yet there is no ratio either. */
export const ratio = (part, whole) => `${part} / (${whole} > 0)`;

/** Replies that are breached at their deadline, of all replies. */
export const LATE = 'result="breached"';
export const FROM_SELLER = 'direction="seller"';
