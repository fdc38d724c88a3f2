//! One HTML document of a template, a style, a script and the data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::report::Report;

const PAGE: &str = include_str!("../page/page.html");
const STYLE: &str = include_str!("../page/style.css");
const SCRIPT: &str = include_str!("../page/script.js");

pub(crate) fn render(report: &Report) -> String {
    let policy = format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src {}; script-src {}",
        source(STYLE),
        source(SCRIPT)
    );
    let data = embedded(&serde_json::to_string(report).unwrap_or_default());
    let parts = [
        ("policy", policy.as_str()),
        ("title", &escaped(&report.title)),
        ("style", STYLE),
        ("data", &data),
        ("script", SCRIPT),
    ];
    fill(PAGE, &parts)
}

/// Replaces each `{{name}}` once, in one pass: what is put in is not looked at again.
fn fill(template: &str, parts: &[(&str, &str)]) -> String {
    let mut pieces = template.split("{{");
    let mut page = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, text) = piece.split_once("}}").unwrap_or(("", piece));
        let part = parts.iter().find(|(part, _)| *part == name);
        page.push_str(part.map_or("", |(_, part)| part));
        page.push_str(text);
    }
    page
}

/// A [hash source](https://www.w3.org/TR/CSP3/#grammardef-hash-source).
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// JSON that can stand in a `<script>`: nothing in it ends that, or begins a comment.
/// See <https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements>.
fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        let parts = [("a", "{{b}}"), ("b", "B")];
        assert_eq!(fill("<{{a}}|{{b}}>", &parts), "<{{b}}|B>");
    }

    #[test]
    fn data_cannot_end_its_element() {
        assert_eq!(
            embedded(r#"["</script><!--"]"#),
            r#"["\u003c/script>\u003c!--"]"#
        );
    }

    #[test]
    fn the_template_has_a_place_for_each_part() {
        for part in ["policy", "title", "style", "data", "script"] {
            assert_eq!(
                PAGE.matches(&format!("{{{{{part}}}}}")).count(),
                1,
                "{part}"
            );
        }
    }

    #[test]
    fn style_and_script_stay_inside_their_elements() {
        assert!(!STYLE.contains("</"));
        assert!(!SCRIPT.contains("</"));
        assert!(!SCRIPT.contains("<!--"));
    }
}
