//! The certificate as a page to be printed: self-contained HTML without scripts, with lines for the
//! names and signatures that only people can give.

use std::fmt::Write;

use super::body::{Certificate, Roots, Search};

const STYLE: &str = "\
@page { size: A4; margin: 18mm }
body { font: 10.5pt/1.45 Georgia, 'Times New Roman', serif; color: #111; max-width: 46em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 19pt; margin: 0 } h2 { font-size: 12pt; margin: 1.6em 0 .4em; border-bottom: 1px solid #999 }
p.of { margin: .2em 0 1.2em; color: #444 }
table { border-collapse: collapse; width: 100%; break-inside: avoid }
th, td { text-align: left; vertical-align: top; padding: .22em .6em .22em 0; border-bottom: 1px solid #ddd; font-weight: normal }
th { color: #444; width: 30% } thead th { width: auto; border-bottom: 1px solid #999 }
code { font: 8.5pt/1.4 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere }
.sign td { height: 2.6em; border-bottom: 1px solid #111 }
";

/// The page of this certificate. `proven` says what shows that it is genuine, a sentence.
#[must_use]
pub fn page(certificate: &Certificate, digest: &str, proven: &str) -> String {
    let mut page = Page::default();
    page.head(certificate, digest);
    page.purge(certificate);
    page.steps(certificate);
    page.destroyed(certificate);
    page.searched(certificate);
    page.left(certificate);
    page.sanitisation(certificate);
    page.signatures(proven);
    page.0
}

/// HTML as it is written.
#[derive(Default)]
struct Page(String);

impl Page {
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn heading(&mut self, text: &str) {
        let _infallible = writeln!(self.0, "<h2>{}</h2>", escaped(text));
    }

    fn sentence(&mut self, text: &str) {
        let _infallible = writeln!(self.0, "<p>{}</p>", escaped(text));
    }

    /// A table of names and what they are; one without a value says so.
    fn facts<'f>(&mut self, facts: impl IntoIterator<Item = (&'f str, String)>) {
        self.raw("<table>\n");
        for (name, value) in facts {
            let value = if value.is_empty() { "not declared".to_owned() } else { escaped(&value) };
            let _infallible = writeln!(
                self.0,
                "<tr><th scope=\"row\">{}</th><td>{value}</td></tr>",
                escaped(name)
            );
        }
        self.raw("</table>\n");
    }

    /// A table of rows under these headings.
    fn rows(&mut self, headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        self.raw("<table>\n<thead><tr>");
        for heading in headings {
            let _infallible = write!(self.0, "<th scope=\"col\">{}</th>", escaped(heading));
        }
        self.raw("</tr></thead>\n");
        for row in rows {
            self.raw("<tr>");
            for cell in row {
                let _infallible = write!(self.0, "<td>{}</td>", escaped(&cell));
            }
            self.raw("</tr>\n");
        }
        self.raw("</table>\n");
    }

    fn head(&mut self, certificate: &Certificate, digest: &str) {
        self.raw("<!doctype html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n");
        let id = escaped(&certificate.purge.id);
        let _infallible = writeln!(self.0, "<title>Certificate of destruction {id}</title>");
        let _infallible = writeln!(self.0, "<style>\n{STYLE}</style>\n</head>\n<body>");
        self.raw("<h1>Certificate of destruction</h1>\n");
        let ledger = escaped(&certificate.ledger);
        let _infallible =
            writeln!(self.0, "<p class=\"of\">Purge {id}, on record in the ledger {ledger}</p>");
        let _infallible = writeln!(self.0, "<p>SHA-256 <code>{}</code></p>", escaped(digest));
    }

    fn purge(&mut self, certificate: &Certificate) {
        let purge = &certificate.purge;
        self.heading("What was destroyed, and why");
        let mut facts = vec![("Scope", purge.scope.clone())];
        facts.extend(purge.of.clone().map(|of| ("Of", of)));
        facts.extend(purge.mode.clone().map(|mode| ("Afterwards", mode)));
        facts.extend(purge.standing_order.as_ref().map(|order| {
            ("Planned by", format!("standing order {}, digest {}", order.id, order.digest))
        }));
        facts.extend([
            ("Legal authority", purge.legal_authority.clone()),
            ("Reason", purge.reason.clone()),
            ("Case reference", purge.case_reference.clone()),
            ("Digest approved", purge.digest.clone()),
            ("Not touched", format!("what was recorded after entry {}", purge.cut_off)),
        ]);
        facts.extend(purge.openings_below.map(|below| {
            ("Openings past their time", format!("those of entries before entry {below}"))
        }));
        self.facts(facts);
    }

    fn steps(&mut self, certificate: &Certificate) {
        self.heading("Steps, each on record before the next");
        let rows = certificate.steps.iter().map(|step| {
            let by = step.by.clone().unwrap_or_else(|| "the service".to_owned());
            vec![step.state.clone(), step.at.clone(), step.entry.to_string(), by]
        });
        self.rows(&["Step", "Time (UTC)", "Ledger entry", "By"], rows);
        self.heading("Ledger and store");
        let side = |name: &str, roots: &Roots| {
            vec![
                name.to_owned(),
                format!("{} entries, root {}", roots.ledger_size, roots.ledger_root),
                format!(
                    "generation {}, frame {} {}",
                    roots.generation, roots.frame, roots.frame_hash
                ),
            ]
        };
        let rows = [side("before", &certificate.before), side("after", &certificate.after)];
        self.rows(&["", "Ledger", "Store"], rows);
    }

    fn destroyed(&mut self, certificate: &Certificate) {
        self.heading("Keys and files");
        let rows = certificate.keys.iter().map(|key| {
            let system = key.file_system.clone().unwrap_or_else(|| "in no file".to_owned());
            vec![key.id.clone(), key.custody.clone(), key.method.clone(), system]
        });
        self.rows(&["Key", "Custody", "Method", "File system"], rows);
        let files = &certificate.files;
        self.sentence(&format!("{} files of {} bytes were removed.", files.removed, files.bytes));
        self.sentence(&format!("Trimming of the medium: {}", certificate.trimming));
        if let Some(records) = &certificate.records {
            let rows = records
                .iter()
                .map(|of| vec![of.kind.clone(), of.stayed.to_string(), of.went.to_string()]);
            self.rows(&["Kind of record", "Stayed", "Went"], rows);
        }
        if let Some(openings) = &certificate.openings {
            let (erased, segments) = (openings.erased, openings.segments);
            self.sentence(&format!(
                "{erased} openings of ledger entries were erased, in {segments} segments that were \
                 rewritten under new keys."
            ));
        }
    }

    fn searched(&mut self, certificate: &Certificate) {
        self.heading("Searches of every file of data directory and keyring");
        let row = |name: &str, search: &Search| {
            vec![
                name.to_owned(),
                search.tracers.to_string(),
                search.keys.to_string(),
                search
                    .sealed_values
                    .map_or_else(|| "not told".to_owned(), |count| count.to_string()),
                format!("{} files, {} bytes", search.files, search.bytes),
                search.found.to_string(),
            ]
        };
        let rows = [
            row("before", &certificate.searched_before),
            row("afterwards", &certificate.searched_after),
        ];
        self.rows(&["", "Tracers", "Keys", "Sealed values", "Read", "Found"], rows);
    }

    fn left(&mut self, certificate: &Certificate) {
        self.heading("Copies elsewhere, as declared");
        if certificate.copies.is_empty() {
            self.sentence("The operator declared none.");
        }
        let rows = certificate.copies.iter().map(|copy| {
            vec![copy.what.clone(), copy.owner.clone(), copy.method.clone(), copy.lapses.clone()]
        });
        self.rows(&["Copy", "Owner", "How it ends", "By"], rows);
        self.heading("Legal holds that stood");
        if certificate.holds.is_empty() {
            self.sentence("None.");
        }
        let rows =
            certificate.holds.iter().map(|hold| vec![hold.id.clone(), hold.case_reference.clone()]);
        self.rows(&["Hold", "Case reference"], rows);
        self.heading("What is left, and why");
        let rows =
            certificate.residual.iter().map(|left| vec![left.what.clone(), left.why.clone()]);
        self.rows(&["What", "Why"], rows);
    }

    fn sanitisation(&mut self, certificate: &Certificate) {
        let fields = &certificate.sanitisation;
        let medium = &fields.medium;
        self.heading("Sanitisation (NIST SP 800-88)");
        self.facts([
            ("Manufacturer", medium.manufacturer.clone()),
            ("Model", medium.model.clone()),
            ("Serial number", medium.serial.clone()),
            ("Property number", medium.property_number.clone()),
            ("Medium", medium.kind.clone()),
            ("Source", medium.source.clone()),
            ("Description", fields.description.clone()),
            ("Method", fields.method.clone()),
            ("Tool", fields.tool.clone()),
            ("Verification", fields.verification.clone()),
            ("Destination", medium.destination.clone()),
            ("Pseudonymiser", certificate.service.pseudonymiser.clone()),
            ("Time", certificate.service.time.clone()),
            (
                "Certificate before",
                certificate.previous.clone().unwrap_or_else(|| "none".to_owned()),
            ),
        ]);
    }

    fn signatures(&mut self, proven: &str) {
        self.heading("Who performed it, and who verified it");
        self.raw("<table class=\"sign\">\n<thead><tr>");
        for heading in ["", "Name", "Position", "Date and place", "Contact", "Signature"] {
            let _infallible = write!(self.0, "<th scope=\"col\">{heading}</th>");
        }
        self.raw("</tr></thead>\n");
        for who in ["Performed", "Verified"] {
            let _infallible = writeln!(self.0, "<tr><td>{who}</td>{}</tr>", "<td></td>".repeat(5));
        }
        self.raw("</table>\n");
        self.sentence(proven);
        self.raw("</body>\n</html>\n");
    }
}

/// Text as HTML has it.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../tests/golden/certificate.json");

    #[test]
    fn whatever_the_operator_declared_is_text_on_the_page() {
        let certificate = Certificate::from_text(GOLDEN).unwrap();
        let html = page(&certificate, "00ff", "Signed by <nobody>.");
        assert!(
            html.contains("<td>Northfield &lt;IT &amp; &quot;Archive&quot;&gt;</td>"),
            "{html}"
        );
        assert!(html.contains("<p>Signed by &lt;nobody&gt;.</p>"));
        assert!(!html.contains("<IT") && !html.contains("<nobody>") && !html.contains("<script"));
        assert_eq!(escaped("<&>\"'"), "&lt;&amp;&gt;&quot;&#39;");
    }

    #[test]
    fn the_page_says_all_that_the_certificate_says() {
        let certificate = Certificate::from_text(GOLDEN).unwrap();
        let html = page(&certificate, "00ff", "");
        let purge = &certificate.purge;
        for said in [&purge.id, &purge.legal_authority, &purge.case_reference, &purge.digest] {
            assert!(html.contains(said.as_str()), "{said} is missing");
        }
        for step in &certificate.steps {
            assert!(html.contains(&step.state) && html.contains(&step.at), "{step:?}");
        }
        for key in &certificate.keys {
            assert!(html.contains(&key.id) && html.contains(&key.method), "{key:?}");
        }
        for roots in [&certificate.before, &certificate.after] {
            assert!(html.contains(&roots.ledger_root) && html.contains(&roots.frame_hash));
        }
        for said in ["123456 bytes", "LEG-2026-00007", "2026-07-16", "N-0001", "<code>00ff</code>"]
        {
            assert!(html.contains(said), "{said} is missing");
        }
        assert!(html.contains("not declared"), "what nobody declared says so");
    }
}
