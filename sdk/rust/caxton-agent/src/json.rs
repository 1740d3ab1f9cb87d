//! JSON, as much as contents need. Source: RFC 8259.

use crate::msgpack::DEPTH_MAX;
use crate::value::Value;

/// Where a text stops being JSON, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub usize);

/// Read a text.
///
/// # Errors
/// The place of the first byte that cannot be there.
pub fn parse(text: &[u8]) -> Result<Value, Broken> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(DEPTH_MAX)?;
    parser.space();
    if parser.at == text.len() {
        Ok(value)
    } else {
        Err(Broken(parser.at))
    }
}

/// Write a value without spaces.
pub fn write(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_value(&mut out, value);
    out
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn fail<T>(&self) -> Result<T, Broken> {
        Err(Broken(self.at))
    }

    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn expect(&mut self, word: &[u8]) -> Result<(), Broken> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            self.fail()
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Broken> {
        self.space();
        match self.peek() {
            b'n' => self.expect(b"null").map(|()| Value::Nil),
            b't' => self.expect(b"true").map(|()| Value::Bool(true)),
            b'f' => self.expect(b"false").map(|()| Value::Bool(false)),
            b'"' => self.text().map(Value::Text),
            b'[' | b'{' if depth == 0 => self.fail(),
            b'[' => self.list(depth - 1),
            b'{' => self.map(depth - 1),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.fail(),
        }
    }

    /// After an element: go on behind a comma, or stop behind the closing bracket.
    fn more(&mut self, close: u8) -> Result<bool, Broken> {
        self.space();
        let next = self.peek();
        if next != b',' && next != close {
            return self.fail();
        }
        self.at += 1;
        Ok(next == b',')
    }

    /// Step over an opening bracket and, if nothing is between, the closing one.
    fn is_empty(&mut self, close: u8) -> bool {
        self.at += 1;
        self.space();
        let empty = self.peek() == close;
        if empty {
            self.at += 1;
        }
        empty
    }

    fn list(&mut self, depth: usize) -> Result<Value, Broken> {
        let mut values = Vec::new();
        if !self.is_empty(b']') {
            loop {
                values.push(self.value(depth)?);
                if !self.more(b']')? {
                    break;
                }
            }
        }
        Ok(Value::List(values))
    }

    fn map(&mut self, depth: usize) -> Result<Value, Broken> {
        let mut entries = Vec::new();
        if !self.is_empty(b'}') {
            loop {
                self.space();
                let key = self.text()?;
                self.space();
                self.expect(b":")?;
                entries.push((key, self.value(depth)?));
                if !self.more(b'}')? {
                    break;
                }
            }
        }
        Ok(Value::Map(entries))
    }

    fn number(&mut self) -> Result<Value, Broken> {
        let start = self.at;
        while matches!(self.peek(), b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') {
            self.at += 1;
        }
        let text = core::str::from_utf8(&self.text[start..self.at]).map_err(|_| Broken(start))?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let leading_zero = digits.len() > 1
            && digits.starts_with('0')
            && !digits.starts_with("0.")
            && !digits.starts_with("0e")
            && !digits.starts_with("0E");
        if leading_zero || !digits.starts_with(|first: char| first.is_ascii_digit()) || digits.ends_with('.')
        {
            return Err(Broken(start));
        }
        if let Ok(whole) = text.parse() {
            return Ok(Value::Int(whole));
        }
        text.parse().map(Value::Float).map_err(|_| Broken(start))
    }

    fn text(&mut self) -> Result<String, Broken> {
        self.expect(b"\"")?;
        let mut out = Vec::new();
        loop {
            match self.peek() {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                0..=0x1F => return self.fail(),
                byte => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        String::from_utf8(out).map_err(|_| Broken(self.at))
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        let plain = match self.peek() {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.unicode(out),
            _ => return self.fail(),
        };
        out.push(plain);
        self.at += 1;
        Ok(())
    }

    fn unicode(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        self.at += 1;
        let mut code = self.hex4()?;
        // A character beyond 16 bits comes as two escapes.
        if (0xD800..0xDC00).contains(&code) && self.expect(b"\\u").is_ok() {
            let low = self.hex4()?;
            if !(0xDC00..0xE000).contains(&low) {
                return self.fail();
            }
            code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        let letter = char::from_u32(code).unwrap_or('\u{FFFD}');
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, Broken> {
        let mut code = 0;
        for _ in 0..4 {
            match char::from(self.peek()).to_digit(16) {
                Some(digit) => code = code << 4 | digit,
                None => return self.fail(),
            }
            self.at += 1;
        }
        Ok(code)
    }
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Nil => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        // JSON has no infinity.
        Value::Float(number) if !number.is_finite() => out.extend_from_slice(b"null"),
        Value::Float(number) => out.extend_from_slice(format!("{:?}", number).as_bytes()),
        Value::Text(text) => write_text(out, text),
        Value::Bytes(data) => write_text(out, &String::from_utf8_lossy(data)),
        Value::List(values) => write_list(out, values),
        Value::Map(entries) => write_map(out, entries),
    }
}

fn write_list(out: &mut Vec<u8>, values: &[Value]) {
    out.push(b'[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_value(out, value);
    }
    out.push(b']');
}

fn write_map(out: &mut Vec<u8>, entries: &[(String, Value)]) {
    out.push(b'{');
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(out, key);
        out.push(b':');
        write_value(out, value);
    }
    out.push(b'}');
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            0..=0x1F => {
                let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> String {
        String::from_utf8(write(&parse(text.as_bytes()).unwrap())).unwrap()
    }

    #[test]
    fn what_is_read_is_written_the_same() {
        for text in [
            "null",
            "true",
            "-12",
            "9007199254740993",
            "1.5",
            "1e300",
            "\"\"",
            "[]",
            "{}",
            "[1,[2,{\"a\":[]}],\"x\"]",
        ] {
            assert_eq!(round(text), text);
        }
        assert_eq!(round(" { \"a\" : [ 1 , 2 ] } \n"), "{\"a\":[1,2]}");
        assert_eq!(round("1E2"), "100.0");
    }

    #[test]
    fn texts_keep_every_character() {
        assert_eq!(
            parse(br#""\u00e4\n\"\\\/\ud83d\ude00""#),
            Ok(Value::Text("\u{e4}\n\"\\/\u{1f600}".to_owned()))
        );
        assert_eq!(round("\"\\u0001 \u{e4} \\\" \\\\ \\n\""), "\"\\u0001 \u{e4} \\\" \\\\ \\n\"");
        assert_eq!(parse(br#""\ud800""#), Ok(Value::Text("\u{fffd}".to_owned())));
    }

    #[test]
    fn what_is_no_json_says_where() {
        for (text, at) in [
            ("", 0),
            ("{", 1),
            ("[1,]", 3),
            ("{\"a\"}", 4),
            ("nul", 0),
            ("01", 0),
            ("1.", 0),
            ("-", 0),
            ("\"a", 2),
            ("\"\\x\"", 2),
            ("[1 2]", 3),
            ("1 1", 2),
            ("{1:2}", 1),
            ("\"\n\"", 1),
            ("\"\\ud800\\u0041\"", 13),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(Broken(at)), "{}", text);
        }
        assert_eq!(parse(b"\"\xff\""), Err(Broken(3)));
        assert!(parse("[".repeat(1000).as_bytes()).is_err());
    }

    #[test]
    fn numbers_too_large_for_whole_ones_are_floating() {
        assert_eq!(parse(b"9223372036854775808"), Ok(Value::Float(9223372036854775808.0)));
        assert_eq!(write(&Value::Float(f64::INFINITY)), b"null");
    }
}
