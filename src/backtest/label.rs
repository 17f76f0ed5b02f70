//! What a labelled text is.

use super::Side;

/// What a labelled text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// Compliant: flagging it is a misjudgment.
    Benign,
    /// Advertising, discounts, bonuses.
    Promo,
    /// Leads the buyer away from the marketplace.
    OffPlatform,
    /// Asks for a review, or pays for one.
    ReviewSolicit,
    /// Breaks a rule; the row may name which.
    Violation,
    /// Spam without contact or promotion: nothing a seller writes, counted on neither side.
    SpamOther,
    /// Nobody can say: counted on neither side.
    Unknown,
}

impl Label {
    /// Every label.
    pub const ALL: [Self; 7] = [
        Self::Benign,
        Self::Promo,
        Self::OffPlatform,
        Self::ReviewSolicit,
        Self::Violation,
        Self::SpamOther,
        Self::Unknown,
    ];

    /// The word in a labelled row.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Benign => "benign",
            Self::Promo => "promo",
            Self::OffPlatform => "offplatform",
            Self::ReviewSolicit => "review_solicit",
            Self::Violation => "violation",
            Self::SpamOther => "spam_other",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word of a labelled row.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.as_str() == word)
    }

    /// On which side it is counted, if on any.
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::Benign => Some(Side::Benign),
            Self::Promo | Self::OffPlatform | Self::ReviewSolicit | Self::Violation => Some(Side::Violating),
            Self::SpamOther | Self::Unknown => None,
        }
    }

    /// Rules any of which gives the label its due; empty when every rule does.
    pub const fn rules(self) -> &'static [&'static str] {
        match self {
            Self::Promo => &["promo", "follow-us", "review-incentive", "template-content", "insert-content"],
            Self::OffPlatform => &[
                "off-platform-contact",
                "off-platform-channel",
                "off-platform-payment",
                "external-link",
                "follow-us",
                "template-content",
                "insert-content",
                "gift-private",
            ],
            Self::ReviewSolicit => &["review-solicitation", "review-incentive", "review-invitation"],
            Self::Benign | Self::Violation | Self::SpamOther | Self::Unknown => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_read_back() {
        for label in Label::ALL {
            assert_eq!(Label::from_word(label.as_str()), Some(label));
        }
        assert_eq!(Label::from_word("ham"), None);
    }
}
