//! Ids are opaque; the one thing known of them is how a posting number names its order.

/// The order part of an order or posting number: `24219509-0020-1` belongs to `24219509-0020`.
///
/// A number of three dash-separated groups of digits, the last of one to three digits, is a posting of the order
/// named by the first two; any other id is its own base. Platforms print either form in the same field, so
/// references are compared by base, never by equality (public API samples show both).
pub fn order_base(id: &str) -> &str {
    let Some((base, part)) = id.rsplit_once('-') else { return id };
    let Some((order, serial)) = base.split_once('-') else { return id };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if digits(order) && digits(serial) && digits(part) && part.len() <= 3 { base } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_posting_belongs_to_its_order() {
        for (input, expected) in [
            ("24219509-0020-1", "24219509-0020"),
            ("0574652831-0001-12", "0574652831-0001"),
            ("24219509-0020", "24219509-0020"),
            ("123456789", "123456789"),
            ("eAP.m80165aef86ce46c3ab9e2292cb04f3ae.0.0", "eAP.m80165aef86ce46c3ab9e2292cb04f3ae.0.0"),
            ("b646d975-0c9c-4872-9f41-8b1e57181063", "b646d975-0c9c-4872-9f41-8b1e57181063"),
            ("1-2-3456", "1-2-3456"),
            ("--1", "--1"),
            ("", ""),
        ] {
            assert_eq!(order_base(input), expected);
        }
    }
}
