//! Results and listings of the register: the same fields, under the same names, as text and as JSON.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use signpost_client::onboarding::Listed;
use signpost_proto::v1;

use super::terms::{Term, name_of};
use super::{Output, date, hours, print, printable};

/// Named values in the order in which they are shown. What there is not is left out of JSON.
#[derive(Debug, Default)]
pub struct Fields(Vec<(&'static str, Value)>);

/// What a listing shows of each item.
pub trait Shown {
    /// What several of them are called.
    const MANY: &'static str;

    /// Its fields; every item has the same.
    fn fields(&self) -> Fields;
}

impl Fields {
    /// With one more text; an empty one counts as none.
    #[must_use]
    pub fn text(self, name: &'static str, text: &str) -> Self {
        let text = Some(text).filter(|text| !text.is_empty());
        self.value(name, text.map_or(Value::Null, Value::from))
    }

    /// With a list of texts.
    #[must_use]
    pub fn texts(self, name: &'static str, texts: impl Iterator<Item = String>) -> Self {
        self.value(name, texts.collect())
    }

    /// With one more number.
    #[must_use]
    pub fn number(self, name: &'static str, number: impl Into<u64>) -> Self {
        self.value(name, number.into().into())
    }

    /// With one more number, or none.
    #[must_use]
    pub fn optional_number(self, name: &'static str, number: Option<u32>) -> Self {
        self.value(name, number.map_or(Value::Null, Value::from))
    }

    /// With one more term, by its number on the wire.
    #[must_use]
    pub fn term<T: Term>(self, name: &'static str, number: i32) -> Self {
        self.value(name, name_of::<T>(number).map_or(Value::Null, Value::from))
    }

    /// With a list of terms, by their numbers on the wire.
    #[must_use]
    pub fn terms<T: Term>(self, name: &'static str, numbers: &[i32]) -> Self {
        self.value(name, numbers.iter().filter_map(|number| name_of::<T>(*number)).collect())
    }

    /// With one more day.
    #[must_use]
    pub fn day(self, name: &'static str, day: Option<v1::Date>) -> Self {
        self.value(name, day.map_or(Value::Null, |day| date(day).into()))
    }

    /// With a duty telephone and its hours.
    #[must_use]
    pub fn duty_phone(self, duty: Option<&v1::DutyPhone>) -> Self {
        let open = duty.and_then(|duty| duty.hours).map(hours::format).unwrap_or_default();
        self.text("phone", duty.map_or("", |duty| &duty.phone)).text("hours", &open)
    }

    fn value(mut self, name: &'static str, value: Value) -> Self {
        self.0.push((name, value));
        self
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.iter().filter(|(_, value)| !value.is_null()) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Prints fields alone, with words of their own for people.
pub fn print_fields(
    text: impl FnOnce() -> String,
    fields: &Fields,
    output: Output,
) -> anyhow::Result<()> {
    print(output, text, fields)
}

/// Prints what became of a change: a sentence, an id that goes with it, and the receipt.
pub fn print_done(
    sentence: &str,
    fields: Fields,
    receipt: u64,
    output: Output,
) -> anyhow::Result<()> {
    let fields = fields.number("receipt", receipt);
    print(output, || done(sentence, &fields), &fields)
}

fn done(sentence: &str, fields: &Fields) -> String {
    let lines = fields.0.iter().filter(|(_, value)| !value.is_null());
    let lines = lines.map(|(name, value)| format!("{}: {}", label(name), cell(value)));
    [sentence.to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// Prints a listing.
pub fn print_listed<T: Shown>(listed: &Listed<T>, output: Output) -> anyhow::Result<()> {
    let rows: Vec<Fields> = listed.items.iter().map(Shown::fields).collect();
    print(output, || table(&rows, &listed.receipts), &ListedJson::<T>::of(&rows, &listed.receipts))
}

/// One line for each item and none broken, so that ids can be copied and lines found.
fn table(rows: &[Fields], receipts: &[u64]) -> String {
    let mut lines = Vec::new();
    if let Some(first) = rows.first() {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(first.0.iter().map(|(name, _)| *name));
        for row in rows {
            table.add_row(row.0.iter().map(|(_, value)| cell(value)));
        }
        lines.extend(table.lines().map(|line| line.trim_end().to_owned()));
    } else {
        lines.push("Nothing is listed.".to_owned());
    }
    let receipts: Vec<_> = receipts.iter().map(u64::to_string).collect();
    lines.push(format!("Receipt: {}", receipts.join(", ")));
    lines.join("\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// `proposal_id` as people write it: the id is the proposal's.
fn label(name: &str) -> String {
    let words = name.trim_end_matches("_id").replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

struct ListedJson<'l, T> {
    rows: &'l [Fields],
    receipts: &'l [u64],
    of: std::marker::PhantomData<fn() -> T>,
}

impl<'l, T> ListedJson<'l, T> {
    fn of(rows: &'l [Fields], receipts: &'l [u64]) -> Self {
        Self { rows, receipts, of: std::marker::PhantomData }
    }
}

impl<T: Shown> Serialize for ListedJson<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(T::MANY, self.rows)?;
        map.serialize_entry("receipts", self.receipts)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Item(&'static str, u32);

    impl Shown for Item {
        const MANY: &'static str = "items";

        fn fields(&self) -> Fields {
            Fields::default()
                .text("item_id", self.0)
                .number("members", self.1)
                .terms::<v1::Purpose>("purposes", &[1, 6, 99])
                .day("valid_until", None)
        }
    }

    fn rows(items: &[Item]) -> Vec<Fields> {
        items.iter().map(Shown::fields).collect()
    }

    #[test]
    fn a_listing_is_one_line_for_each_item() {
        let found = table(&rows(&[Item("a-long-id", 3), Item("b", 20)]), &[7, 8]);
        let lines: Vec<Vec<&str>> =
            found.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["item_id", "members", "purposes", "valid_until"]);
        assert_eq!(lines[1], ["a-long-id", "3", "S47_ENQUIRY,MISSING_CHILD"]);
        assert_eq!(lines[2], ["b", "20", "S47_ENQUIRY,MISSING_CHILD"]);
        assert_eq!(lines[3], ["Receipt:", "7,", "8"]);
        assert_eq!(table(&[], &[9]), "Nothing is listed.\nReceipt: 9");
    }

    #[test]
    fn json_has_the_same_names_and_no_nulls() {
        let rows = rows(&[Item("a", 3)]);
        let json = serde_json::to_string(&ListedJson::<Item>::of(&rows, &[7])).unwrap();
        let purposes = r#""purposes":["S47_ENQUIRY","MISSING_CHILD"]"#;
        let expected =
            format!(r#"{{"items":[{{"item_id":"a","members":3,{purposes}}}],"receipts":[7]}}"#);
        assert_eq!(json, expected);
    }

    #[test]
    fn a_change_is_a_sentence_and_what_the_next_command_needs() {
        let fields = Fields::default().text("proposal_id", "p").day("valid_until", None);
        let fields = fields.number("receipt", 9u64);
        assert_eq!(done("Proposed.", &fields), "Proposed.\nProposal: p\nReceipt: 9");
        let odd = Fields::default().text("name", "\u{1b}[2Jteam");
        assert!(!done("Named.", &odd).contains('\u{1b}'));
    }
}
