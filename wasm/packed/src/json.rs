//! JSON, written by hand: objects, arrays, text and whole numbers, which is all that crosses.
//!
//! serde_json does this too, for 4 KB more of what each page loads (Brotli; BENCHMARKS.md).

use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::words;

/// A text in the making.
#[derive(Default)]
pub(crate) struct Json(Vec<u8>);

impl Json {
    /// The text of the value that `write` writes.
    pub(crate) fn of(write: impl FnOnce(&mut Json)) -> Vec<u8> {
        let mut json = Json::default();
        write(&mut json);
        json.0
    }

    /// An object; `write` writes its [`field`](Self::field)s.
    pub(crate) fn object(&mut self, write: impl FnOnce(&mut Json)) {
        self.enclosed(*b"{}", write);
    }

    /// An array; `write` writes its [`item`](Self::item)s.
    pub(crate) fn array(&mut self, write: impl FnOnce(&mut Json)) {
        self.enclosed(*b"[]", write);
    }

    /// The name of a field; its value follows.
    pub(crate) fn field(&mut self, name: &str) -> &mut Json {
        self.item().text(name);
        self.0.push(b':');
        self
    }

    /// Place for an item of an array, which follows.
    pub(crate) fn item(&mut self) -> &mut Json {
        if !matches!(self.0.last(), Some(b'{' | b'[') | None) {
            self.0.push(b',');
        }
        self
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.extend(words::number(number).as_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.0.push(b'"');
        text.bytes().for_each(|byte| self.byte_of_text(byte));
        self.0.push(b'"');
    }

    /// `text`, or null.
    pub(crate) fn text_or_null(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.0.extend(b"null"),
        }
    }

    fn byte_of_text(&mut self, byte: u8) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        match byte {
            b'"' | b'\\' => self.0.extend([b'\\', byte]),
            0..0x20 => {
                let [high, low] = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
                self.0.extend([b'\\', b'u', b'0', b'0', high, low]);
            }
            _ => self.0.push(byte),
        }
    }

    fn enclosed(&mut self, [open, close]: [u8; 2], write: impl FnOnce(&mut Json)) {
        self.0.push(open);
        write(self);
        self.0.push(close);
    }
}

/// An answer as `{"ok": value}`, which `write` writes, or `{"error": {"at", "problem"}}`.
pub(crate) fn answer<T>(told: Result<T, Complaint>, write: impl FnOnce(&mut Json, T)) -> Vec<u8> {
    Json::of(|json| {
        json.object(|json| match told {
            Ok(value) => write(json.field("ok"), value),
            Err(Complaint { at, problem }) => json.field("error").object(|json| {
                json.field("at").text(&at);
                json.field("problem").text(&problem);
            }),
        });
    })
}

/// What is wrong, and where.
pub(crate) struct Complaint {
    pub(crate) at: String,
    pub(crate) problem: String,
}

impl Complaint {
    pub(crate) fn new(at: &str, problem: &str) -> Self {
        Self { at: at.into(), problem: problem.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Json)) -> alloc::string::String {
        alloc::string::String::from_utf8(Json::of(write)).expect("JSON is UTF-8")
    }

    #[test]
    fn values_nest_with_commas_between_them() {
        let text = written(|json| {
            json.object(|json| {
                json.field("a").number(u64::MAX);
                json.field("b").array(|json| {
                    json.item().array(|_| {});
                    json.item().text_or_null(None);
                    json.item().object(|_| {});
                });
            });
        });
        assert_eq!(text, r#"{"a":18446744073709551615,"b":[[],null,{}]}"#);
    }

    #[test]
    fn text_is_escaped_where_json_asks_for_it() {
        assert_eq!(written(|json| json.text("é\"\\\n\u{1f}{[")), "\"é\\\"\\\\\\u000a\\u001f{[\"");
    }

    #[test]
    fn text_that_ends_as_an_aggregate_begins_is_followed_by_a_comma() {
        let text =
            written(|json| json.array(|json| ["{", "["].iter().for_each(|text| json.item().text(text))));
        assert_eq!(text, r#"["{","["]"#);
    }
}
