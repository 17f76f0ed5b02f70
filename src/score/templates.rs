//! Templates and inserts: registered, approved, and keeping what their class requires.

use crate::event::{MessageKind, OrderKind, Origin, Surface, TemplateStatus};
use crate::policy::condition::ClassRequirement;
use crate::text::Link;

use super::evidence::{self, EVIDENCE_CAP};
use super::scene::Scene;
use super::{Answer, Hit};

/// An automatic message with no approved template in force (founding brief: an unapproved template in use is a
/// violation by itself).
pub fn approved(scene: &Scene<'_>, origins: &[Origin]) -> Answer {
    let Some(message) = scene.message() else { return Answer::No };
    if message.kind != MessageKind::Sent
        || !origins.contains(&message.origin)
        || scene.surface != Surface::Chat
    {
        return Answer::No;
    }
    let text = message.text.as_deref().unwrap_or_default();
    let Some((id, template)) = scene.template else {
        // A sending system that names no template may still have sent an approved one.
        let rendered = scene.profile.templates().any(|(_, template)| {
            template.status_at(scene.at()) == Some(TemplateStatus::Approved)
                && template.text.at(scene.at()).is_some_and(|pattern| renders(pattern, text))
        });
        if rendered {
            return Answer::No;
        }
        return Hit::certain().fact("reason", "no_template").fact("origin", message.origin.as_str()).answer();
    };
    let status = template.and_then(|template| template.status_at(scene.at()));
    match status {
        Some(TemplateStatus::Approved) => {
            let pattern = template.and_then(|template| template.text.at(scene.at()));
            if pattern.is_none_or(|pattern| text.is_empty() || renders(pattern, text)) {
                return Answer::No;
            }
            Hit::certain().fact("reason", "text_differs_from_the_approved").fact("template", id).answer()
        }
        status => Hit::certain()
            .fact("reason", "not_approved")
            .fact("template", id)
            .fact("status", status.map_or("unregistered", TemplateStatus::as_str))
            .answer(),
    }
}

/// Whether `text` is `pattern` with something in place of each `{variable}`. Case and white space do not count.
pub(crate) fn renders(pattern: &str, text: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let (pattern, text) = (squeeze(pattern), squeeze(text));
    let mut rest = text.as_str();
    let mut first = true;
    let mut open_end = false;
    let mut pieces = pattern.split('{');
    let head = pieces.next().unwrap_or_default();
    let fixed = std::iter::once(head)
        .chain(pieces.map(|piece| piece.split_once('}').map_or(piece, |(_, tail)| tail)));
    for piece in fixed {
        let piece = piece.trim();
        if !piece.is_empty() {
            match rest.find(piece) {
                Some(0) => rest = &rest[piece.len()..],
                Some(at) if !first => rest = &rest[at + piece.len()..],
                _ => return false,
            }
        }
        open_end = piece.is_empty();
        first = false;
    }
    open_end || rest.trim().is_empty()
}

/// What the class of the message's template requires of the rendered message.
pub fn requirement(scene: &Scene<'_>, classes: &[ClassRequirement]) -> Answer {
    let Some(message) = scene.message() else { return Answer::No };
    let Some((id, Some(template))) = scene.template else { return Answer::No };
    let Some(rule) = classes.iter().find(|rule| Some(rule.class) == template.class) else {
        return Answer::No;
    };
    if message.kind != MessageKind::Sent && message.kind != MessageKind::Edited {
        return Answer::No;
    }
    let missing = |what: &str| {
        Hit::certain().fact("reason", what).fact("class", rule.class.as_str()).fact("template", id)
    };
    let mut unknown = None;
    let text = message.text.as_deref().unwrap_or_default();

    if rule.tracking_variable.is_some() {
        let tracking = scene.order.map_or(&[][..], |order| &order.tracking[..]);
        if tracking.is_empty() {
            unknown = Some(if scene.order.is_some() { "order.tracking" } else { "order" });
        } else if !tracking.iter().any(|number| holds_number(text, number)) {
            return missing("tracking_number").fact("expected", ends(tracking)).answer();
        }
    }
    if !rule.order_states.is_empty() {
        match scene.order.map(|order| order.state_at(scene.at())) {
            None => unknown = unknown.or(Some("order")),
            Some(None) => unknown = unknown.or(Some("order.state")),
            Some(Some(state)) if rule.order_states.contains(&state) => {}
            Some(Some(state)) => {
                return missing("order_not_shipped").fact("order.state", state.as_str()).answer();
            }
        }
    }
    if let Some(within) = rule.delay_within {
        match scene.order {
            None => unknown = unknown.or(Some("order")),
            Some(order) if order.delayed_within(scene.at(), within) => {}
            Some(_) => return missing("delay_event").fact("within", within).answer(),
        }
    }
    if let Some(answer) = official_link(scene, rule, missing("official_link"), false) {
        return answer;
    }
    unknown.map_or(Answer::No, Answer::Unknown)
}

/// What a class requires of the template's own text, at registration.
pub fn requirement_at_registration(scene: &Scene<'_>, classes: &[ClassRequirement]) -> Answer {
    let Some((id, Some(template))) = scene.template else { return Answer::No };
    let Some(rule) = classes.iter().find(|rule| Some(rule.class) == template.class) else {
        return Answer::No;
    };
    let Some(text) = scene.texts.first().map(|scanned| scanned.source) else { return Answer::No };
    let missing = |what: &str| {
        Hit::certain().fact("reason", what).fact("class", rule.class.as_str()).fact("template", id)
    };
    if let Some(variable) = &rule.tracking_variable
        && !text.contains(&format!("{{{variable}}}"))
    {
        return missing("tracking_number").fact("expected", format!("{{{variable}}}").as_str()).answer();
    }
    official_link(scene, rule, missing("official_link"), text.contains('{')).unwrap_or(Answer::No)
}

/// The class needs a link to an official page, and no other. A variable may stand for it until it is rendered.
fn official_link(scene: &Scene<'_>, rule: &ClassRequirement, hit: Hit, variable: bool) -> Option<Answer> {
    let list = rule.link_list.as_deref()?;
    let official = |link: &Link| scene.ruleset.scanner.domains().in_list(list, link);
    let mut hit = hit.fact("expected", list);
    for (scanned, link) in scene.links().filter(|(_, link)| !official(link)).take(EVIDENCE_CAP) {
        hit.evidence.push(evidence::of_link(scanned, link));
    }
    let found = scene.links().any(|(_, link)| official(link));
    ((!found && !variable) || !hit.evidence.is_empty()).then(|| hit.answer())
}

/// Whether `text` holds `number`, blanks and dashes aside.
fn holds_number(text: &str, number: &str) -> bool {
    let squeeze = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
    };
    squeeze(text).contains(&squeeze(number))
}

/// The last characters of each number: enough to tell them apart, too little to leak.
fn ends(numbers: &[Box<str>]) -> Vec<String> {
    let end =
        |number: &str| number.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect::<String>();
    numbers.iter().map(|number| format!("…{}", end(number))).collect()
}

/// A parcel went out with an insert that is not registered and approved.
pub fn insert_shipped(scene: &Scene<'_>) -> Answer {
    let Some(event) = scene.order_event() else { return Answer::No };
    match (event.kind, &event.insert) {
        (OrderKind::ShippedWith, Some(Some(id))) => insert(scene, id),
        _ => Answer::No,
    }
}

/// A message that is itself a card in a parcel. Which card it is can only be told when it names its template.
pub fn insert_message(scene: &Scene<'_>) -> Answer {
    match (scene.message(), scene.template) {
        (Some(message), Some((id, _)))
            if scene.surface == Surface::Insert && message.kind == MessageKind::Sent =>
        {
            insert(scene, id)
        }
        _ => Answer::No,
    }
}

fn insert(scene: &Scene<'_>, id: &str) -> Answer {
    let template = scene.profile.template(id);
    match template.and_then(|template| template.status_at(scene.at())) {
        Some(TemplateStatus::Approved) => Answer::No,
        status => Hit::certain()
            .fact("insert", id)
            .fact("status", status.map_or("unregistered", TemplateStatus::as_str))
            .answer(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendered_text_is_its_template_with_values() {
        for (pattern, text, expected) in [
            ("Ваш заказ {order} отправлен", "Ваш заказ 123 отправлен", true),
            ("Ваш заказ {order} отправлен", "ваш  заказ 123-4 отправлен", true),
            ("Ваш заказ {order} отправлен", "Ваш заказ 123 отправлен! Скидка 10 %", false),
            ("Трек: {tracking_number}", "Трек: RA123", true),
            ("{greeting}, заказ в пути", "Добрый день, заказ в пути", true),
            ("Заказ в пути", "Заказ в пути", true),
            ("Заказ в пути", "Заказ задержан", false),
            ("", "", true),
        ] {
            assert_eq!(renders(pattern, text), expected, "{pattern} / {text}");
        }
    }
}
