//! Mails: greeting, closing, signature, disclaimer, banner, quoted thread, forwarded message, HTML.

use crate::arrivals::Shape;
use crate::dice::Dice;
use crate::facts::Fact;
use crate::history::{Scene, timestamp};
use crate::phrase::Phrase;
use crate::text::words::{Words, sentence};
use crate::text::{Letter, typos};
use crate::world::Persona;

/// Dresses the words as a mail.
pub(crate) fn write(scene: &Scene<'_>, words: Words, dice: &mut Dice) -> Letter {
    let echo = scene.event.shape == Shape::Echo;
    let subject_only = scene.contact.persona == Persona::SubjectOnly && !echo;
    let Words { subject, sentences } = words;
    let subject = match dice.unit() {
        _ if echo => format!("Re: {subject}"),
        x if x < 0.025 => format!("RE: {subject}"),
        _ => subject,
    };
    let source = "email";
    if subject_only {
        let body = dice.chance(0.5).then(|| signature(scene, dice));
        return Letter { subject: Some(subject), body, source };
    }
    let mobile = dice.chance(scene.contact.mobile);
    let mut blocks = Vec::new();
    if let Some(banner) = scene.customer.banner.filter(|_| !mobile || dice.chance(0.5)) {
        blocks.push(scene.plan.catalog.dress.banners[banner].clone());
    }
    let forwarded = !echo && dice.chance(0.05);
    blocks.extend(message(scene, &sentences, forwarded, mobile, dice));
    if forwarded {
        blocks.push(forward(scene, &sentences));
    } else if echo || dice.chance(0.08) {
        blocks.push(quoted(scene, &sentences, echo, dice));
    }
    let html = scene.contact.html && !mobile;
    let body = if html { as_html(&blocks) } else { blocks.join("\n\n") };
    let subject = if forwarded { format!("FW: {subject}") } else { subject };
    let empty = dice.chance(0.015) && !body.trim().is_empty();
    Letter { subject: (!empty).then_some(subject), body: Some(body), source }
}

/// Greeting, text, closing, signature, disclaimer.
fn message(
    scene: &Scene<'_>,
    sentences: &[String],
    forwarded: bool,
    mobile: bool,
    dice: &mut Dice,
) -> Vec<String> {
    let contact = scene.contact;
    let terse = contact.persona == Persona::Terse;
    let mut blocks = Vec::new();
    if !dice.chance(if terse { 0.75 } else { 0.15 }) {
        blocks.push(format!("{},", voice(scene, "greeting", dice)));
    }
    if scene.event.shape == Shape::Echo {
        blocks.push(voice(scene, "echo", dice));
    } else if forwarded {
        blocks.push(
            dice.pick(&["See below.", "Please see below, can you help?", "Fyi", "What is this?"]).to_string(),
        );
    } else {
        let glue = if sentences.len() > 3 && dice.chance(0.5) { "\n" } else { " " };
        blocks.push(typos::make(&sentences.join(glue), contact.typos, dice));
    }
    if !dice.chance(if terse { 0.7 } else { 0.12 }) {
        blocks.push(voice(scene, "closing", dice));
    }
    if mobile {
        blocks.push(dice.pick(&scene.plan.catalog.dress.mobiles).clone());
    } else {
        blocks.push(signature(scene, dice));
        if let Some(d) = scene.customer.disclaimer {
            blocks.push(scene.plan.catalog.dress.disclaimers[d].clone());
        }
    }
    blocks
}

fn voice(scene: &Scene<'_>, name: &str, dice: &mut Dice) -> String {
    let list: &[Phrase] = scene.plan.catalog.voice(&scene.contact.language, name);
    if list.is_empty() { String::new() } else { dice.pick(list).render(&scene.facts, dice) }
}

fn signature(scene: &Scene<'_>, dice: &mut Dice) -> String {
    let (contact, company) = (scene.contact, &scene.customer.name);
    let name = contact.name();
    if dice.chance(0.12) {
        return contact.first.clone();
    }
    match contact.signature {
        0 => format!("{name}\n{}\n{company}\nT {}", contact.title, contact.phone),
        1 => format!("--\n{name} | {} | {company}\n{} | {}", contact.title, contact.phone, contact.email),
        2 => format!("{name}\n{company}\nPhone: {} ext. {}", contact.phone, contact.extension),
        3 => contact.first.clone(),
        _ => format!(
            "{name}\n{}\n\n{company}\n{}\nTel. {}\nwww.{}",
            contact.title,
            scene.facts.get(Fact::Site),
            contact.phone,
            scene.customer.domain
        ),
    }
}

/// An older mail below the new one: the own one that is repeated, or one about something else altogether.
fn quoted(scene: &Scene<'_>, sentences: &[String], own: bool, dice: &mut Dice) -> String {
    let staff = &scene.plan.catalog.staff;
    let (who, text) = if own {
        (scene.contact.name(), sentences.join(" "))
    } else {
        let kinds = &scene.plan.catalog.kinds;
        let other =
            kinds.iter().cycle().skip(dice.below(kinds.len())).find(|k| !k.traits.product && !k.traits.alert);
        let fix = other.map_or_else(String::new, |k| dice.pick(&k.fix).render(&scene.facts, dice));
        (
            dice.pick(staff).name.clone(),
            format!("Hi {}, we {fix}. Please tell us if it comes back.", scene.contact.first),
        )
    };
    let ago = dice.between(1, 12) * 86_400;
    let date = timestamp(scene.event.at - ago).strftime("%a, %b %d, %Y at %H:%M");
    let lines: Vec<String> = text.lines().map(|l| format!("> {l}")).collect();
    format!("On {date} {who} wrote:\n{}", lines.join("\n"))
}

fn forward(scene: &Scene<'_>, sentences: &[String]) -> String {
    let date = timestamp(scene.event.at - 3600).strftime("%A, %B %d, %Y %H:%M");
    let colleague = scene.facts.get(Fact::Colleague);
    let address = &scene.contact.email;
    let text: Vec<String> = sentences.iter().map(|s| sentence(s)).collect();
    format!(
        "-----Original Message-----\nFrom: {colleague}\nSent: {date}\nTo: {address}\n\n{}",
        text.join(" ")
    )
}

/// The markup of a common mail program.
fn as_html(blocks: &[String]) -> String {
    let mut out = String::from(
        "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"><style><!-- \
         p.MsoNormal {margin:0cm; font-size:11.0pt; font-family:\"Calibri\",sans-serif;} --></style></head>\
         <body lang=\"EN-US\"><div class=\"WordSection1\">",
    );
    for block in blocks {
        for line in block.lines() {
            let line = if line.is_empty() { "&nbsp;".into() } else { escape(line) };
            out += &format!("<p class=\"MsoNormal\">{line}<o:p></o:p></p>\n");
        }
        out += "<p class=\"MsoNormal\"><o:p>&nbsp;</o:p></p>\n";
    }
    out + "</div></body></html>"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_escapes_what_people_write() {
        let html = as_html(&["a < b & c\n\nd".to_owned()]);
        assert!(html.contains("a &lt; b &amp; c") && html.contains("&nbsp;") && html.ends_with("</html>"));
    }
}
