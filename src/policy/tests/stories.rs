//! Cases become canonical events.

use crate::event::{Body, Event};
use crate::policy::cases::{BASE, Then};
use crate::time::Span;

use super::*;

fn story(case: &str) -> (Vec<Event<'static>>, Then) {
    let pack = format!("{}tests:\n  - {case}\n", PACK.split("tests:").next().unwrap());
    let compilation = compiled(&sources(&pack));
    (compilation.cases[0].events("bazaar", "7"), compilation.cases[0].then)
}

#[test]
fn a_story_in_events() {
    let (events, then) = story(
        "{name: a, context: order, given: [{order: paid, scheme: fbs, items: [Cup, {sku: S1, title: Pot}], tracking: [RA1]}, \
         {buyer: Hello, at: 1h, time_source: observed}, {template: {id: t1, class: return_guide, status: approved, text: Hi}}, \
         {seller: Hi, at: 2h, origin: erp, template: t1, id: s1, qr: [\"https://x.example\"]}, {freeze: true}, \
         {shipped_with: {insert: none, gift_items: [Spoon]}}, {capability: care}, {domain: brand.example}], \
         then: {seller: Bye, at: 3h, id: s1, edited: true, about: none, chat: c2}, expect: {verdict: clean}}",
    );
    assert_eq!(then, Then::LastEvent);
    let show = |event: &Event<'_>| format!("{} {} {:#?}\n", event.event_id, event.occurred_at, event.body);
    insta::assert_snapshot!(events.iter().map(show).collect::<String>());
    for pair in events.windows(2) {
        assert!(pair[0].occurred_at <= pair[1].occurred_at);
    }
}

#[test]
fn until_moves_time_and_gives_no_event() {
    let (events, then) =
        story("{name: a, given: [{buyer: Hello}], then: {until: 2h}, expect: {verdict: clean}}");
    assert_eq!(events.len(), 1);
    assert_eq!(then, Then::Until(BASE.plus(Span::hours(2))));
}

/// Where numbers have no groups, a posting would name another order.
#[test]
fn an_order_has_a_posting_only_where_numbers_have_groups() {
    for (order, posting) in [("\"123456\"", None), ("4002-0001", Some("4002-0001-1"))] {
        let (events, _) =
            story(&format!("{{name: a, order: {order}, then: {{seller: Hi}}, expect: {{verdict: clean}}}}"));
        let Body::Message(message) = &events[0].body else { panic!() };
        assert_eq!(message.order.posting.as_deref(), posting);
    }
}

#[test]
fn shipped_cases_have_distinct_names_and_event_ids() {
    for case in &shipped().cases {
        let mut ids: Vec<String> =
            case.events("p", "1").iter().map(|event| event.event_id.to_string()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{}: {}", case.pack, case.name);
    }
}
