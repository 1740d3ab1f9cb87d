//! MessagePack, as much as envelopes and configurations need. Source: the MessagePack specification.

use crate::value::Value;

/// How deep lists and maps may be nested.
pub const DEPTH_MAX: usize = 64;

/// Bytes that are not the MessagePack that was expected here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// Reads values from the front of a slice, without copying.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    data: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Read from the start of `data`.
    pub fn new(data: &'a [u8]) -> Self {
        Reader { data }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.data
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        if count > self.data.len() {
            return Err(Broken);
        }
        let (taken, rest) = self.data.split_at(count);
        self.data = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self, bytes: usize) -> Result<u64, Broken> {
        Ok(self.take(bytes)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Whether the next value is nil; if so, step over it.
    pub fn nil(&mut self) -> bool {
        let found = self.data.first() == Some(&0xC0);
        if found {
            self.data = &self.data[1..];
        }
        found
    }

    /// Read the head of a list.
    pub fn list(&mut self) -> Result<usize, Broken> {
        match self.byte()? {
            head @ 0x90..=0x9F => Ok(usize::from(head & 15)),
            0xDC => Ok(self.number(2)? as usize),
            0xDD => Ok(self.number(4)? as usize),
            _ => Err(Broken),
        }
    }

    /// Read a text.
    pub fn text(&mut self) -> Result<&'a str, Broken> {
        let length = match self.byte()? {
            head @ 0xA0..=0xBF => usize::from(head & 31),
            0xD9 => self.number(1)? as usize,
            0xDA => self.number(2)? as usize,
            0xDB => self.number(4)? as usize,
            _ => return Err(Broken),
        };
        core::str::from_utf8(self.take(length)?).map_err(|_| Broken)
    }

    /// Read bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], Broken> {
        let length = match self.byte()? {
            0xC4 => self.number(1)? as usize,
            0xC5 => self.number(2)? as usize,
            0xC6 => self.number(4)? as usize,
            _ => return Err(Broken),
        };
        self.take(length)
    }

    /// Read a whole number that is not negative.
    pub fn unsigned(&mut self) -> Result<u64, Broken> {
        match self.byte()? {
            head @ 0..=0x7F => Ok(u64::from(head)),
            head @ 0xCC..=0xCF => self.number(1 << (head - 0xCC)),
            head @ 0xD0..=0xD3 => {
                let value = self.signed(1 << (head - 0xD0))?;
                u64::try_from(value).map_err(|_| Broken)
            }
            _ => Err(Broken),
        }
    }

    fn signed(&mut self, bytes: usize) -> Result<i64, Broken> {
        let shift = 64 - 8 * bytes as u32;
        Ok((self.number(bytes)? << shift) as i64 >> shift)
    }

    /// Step over one value, however nested, and return its bytes.
    pub fn skip(&mut self) -> Result<&'a [u8], Broken> {
        let whole = self.data;
        let mut left: usize = 1;
        while left > 0 {
            left -= 1;
            let head = self.byte()?;
            let (size, children) = self.extent(head)?;
            self.take(size)?;
            // Every child has at least one byte: this bounds the count before it is added.
            if children > self.data.len() {
                return Err(Broken);
            }
            left += children;
            if left > self.data.len() {
                return Err(Broken);
            }
        }
        Ok(&whole[..whole.len() - self.data.len()])
    }

    /// How many bytes follow a head and its length, and how many values.
    fn extent(&mut self, head: u8) -> Result<(usize, usize), Broken> {
        Ok(match head {
            0x00..=0x7F | 0xC0 | 0xC2 | 0xC3 | 0xE0..=0xFF => (0, 0),
            0x80..=0x8F => (0, 2 * usize::from(head & 15)),
            0x90..=0x9F => (0, usize::from(head & 15)),
            0xA0..=0xBF => (usize::from(head & 31), 0),
            0xC4 | 0xD9 => (self.number(1)? as usize, 0),
            0xC5 | 0xDA => (self.number(2)? as usize, 0),
            0xC6 | 0xDB => (self.number(4)? as usize, 0),
            0xC7 => (self.number(1)? as usize + 1, 0),
            0xC8 => (self.number(2)? as usize + 1, 0),
            0xC9 => ((self.number(4)? as usize).checked_add(1).ok_or(Broken)?, 0),
            0xCC | 0xD0 => (1, 0),
            0xCD | 0xD1 => (2, 0),
            0xCA | 0xCE | 0xD2 => (4, 0),
            0xCB | 0xCF | 0xD3 => (8, 0),
            0xD4..=0xD8 => ((1 << (head - 0xD4)) + 1, 0),
            0xDC => (0, self.number(2)? as usize),
            0xDD => (0, self.number(4)? as usize),
            0xDE => (0, 2 * self.number(2)? as usize),
            0xDF => (0, (self.number(4)? as usize).checked_mul(2).ok_or(Broken)?),
            0xC1 => return Err(Broken),
        })
    }

    /// Read any value into a tree. Keys of maps must be text; extension types are read as bytes.
    pub fn value(&mut self) -> Result<Value, Broken> {
        self.value_within(DEPTH_MAX)
    }

    fn value_within(&mut self, depth: usize) -> Result<Value, Broken> {
        let head = *self.data.first().ok_or(Broken)?;
        let deeper = || depth.checked_sub(1).ok_or(Broken);
        Ok(match head {
            0xC0 => {
                self.byte()?;
                Value::Nil
            }
            0xC2 | 0xC3 => Value::Bool(self.byte()? == 0xC3),
            0x00..=0x7F | 0xCC..=0xCF => {
                let number = self.unsigned()?;
                i64::try_from(number).map_or(Value::Float(number as f64), Value::Int)
            }
            0xE0..=0xFF => Value::Int(i64::from(self.byte()? as i8)),
            0xD0..=0xD3 => {
                self.byte()?;
                Value::Int(self.signed(1 << (head - 0xD0))?)
            }
            0xCA => {
                self.byte()?;
                Value::Float(f64::from(f32::from_bits(self.number(4)? as u32)))
            }
            0xCB => {
                self.byte()?;
                Value::Float(f64::from_bits(self.number(8)?))
            }
            0xA0..=0xBF | 0xD9..=0xDB => Value::Text(self.text()?.to_owned()),
            0xC4..=0xC6 => Value::Bytes(self.bytes()?.to_vec()),
            0x90..=0x9F | 0xDC | 0xDD => {
                let (count, depth) = (self.list()?, deeper()?);
                // Not with_capacity(count): the count is the sender's word, the values are not there yet.
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value_within(depth)?);
                }
                Value::List(values)
            }
            0x80..=0x8F | 0xDE | 0xDF => {
                let depth = deeper()?;
                self.byte()?;
                let count = match head {
                    0xDE => self.number(2)? as usize,
                    0xDF => self.number(4)? as usize,
                    _ => usize::from(head & 15),
                };
                let mut entries = Vec::new();
                for _ in 0..count {
                    entries.push((self.text()?.to_owned(), self.value_within(depth)?));
                }
                Value::Map(entries)
            }
            _ => Value::Bytes(self.skip()?.to_vec()),
        })
    }
}

/// Write nil.
pub fn write_nil(out: &mut Vec<u8>) {
    out.push(0xC0);
}

/// Write a text.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    let length = text.len();
    match length {
        0..=31 => out.push(0xA0 | length as u8),
        32..=0xFF => out.extend_from_slice(&[0xD9, length as u8]),
        0x100..=0xFFFF => {
            out.push(0xDA);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(0xDB);
            out.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// Write bytes.
pub fn write_bytes(out: &mut Vec<u8>, data: &[u8]) {
    let length = data.len();
    match length {
        0..=0xFF => out.extend_from_slice(&[0xC4, length as u8]),
        0x100..=0xFFFF => {
            out.push(0xC5);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(0xC6);
            out.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(data);
}

/// Write a whole number that is not negative, in its shortest form.
pub fn write_unsigned(out: &mut Vec<u8>, number: u64) {
    match number {
        0..=0x7F => out.push(number as u8),
        0x80..=0xFF => out.extend_from_slice(&[0xCC, number as u8]),
        0x100..=0xFFFF => {
            out.push(0xCD);
            out.extend_from_slice(&(number as u16).to_be_bytes());
        }
        0x1_0000..=0xFFFF_FFFF => {
            out.push(0xCE);
            out.extend_from_slice(&(number as u32).to_be_bytes());
        }
        _ => {
            out.push(0xCF);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &[u8]) -> Result<Value, Broken> {
        let mut reader = Reader::new(data);
        let value = reader.value()?;
        assert!(reader.rest().is_empty(), "value() left bytes that skip() would not");
        Ok(value)
    }

    #[test]
    fn numbers_of_every_width_are_read() {
        assert_eq!(read(&[0x05]), Ok(Value::Int(5)));
        assert_eq!(read(&[0xFF]), Ok(Value::Int(-1)));
        assert_eq!(read(&[0xCC, 0xFF]), Ok(Value::Int(255)));
        assert_eq!(read(&[0xCD, 1, 0]), Ok(Value::Int(256)));
        assert_eq!(read(&[0xD0, 0x80]), Ok(Value::Int(-128)));
        assert_eq!(read(&[0xD1, 0xFF, 0]), Ok(Value::Int(-256)));
        assert_eq!(read(&[0xD3, 0x80, 0, 0, 0, 0, 0, 0, 0]), Ok(Value::Int(i64::MIN)));
        assert_eq!(read(&[0xCF, 0xFF, 0, 0, 0, 0, 0, 0, 0]), Ok(Value::Float(18374686479671623680.0)));
        assert_eq!(read(&[0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0]), Ok(Value::Float(1.5)));
        assert_eq!(read(&[0xCA, 0x3F, 0xC0, 0, 0]), Ok(Value::Float(1.5)));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 1, 31, 32, 255, 256, 65_535, 65_536] {
            let (text, mut out) = ("x".repeat(length), Vec::new());
            write_text(&mut out, &text);
            assert_eq!(Reader::new(&out).text(), Ok(text.as_str()));
            let mut out = Vec::new();
            write_bytes(&mut out, text.as_bytes());
            assert_eq!(Reader::new(&out).bytes(), Ok(text.as_bytes()));
        }
        for number in
            [0, 127, 128, 255, 256, 65_535, 65_536, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX]
        {
            let mut out = Vec::new();
            write_unsigned(&mut out, number);
            assert_eq!(Reader::new(&out).unsigned(), Ok(number));
        }
    }

    #[test]
    fn maps_and_lists_nest() {
        let data = [0x82, 0xA1, b'a', 0x92, 0x01, 0xC0, 0xA1, b'b', 0x81, 0xA1, b'c', 0xC3];
        let value = read(&data).unwrap();
        assert_eq!(value.get("a").as_list(), &[Value::Int(1), Value::Nil]);
        assert_eq!(value.get("b").get("c").as_bool(), Some(true));
        assert!(value.get("absent").is_nil());
    }

    #[test]
    fn every_cut_of_a_value_is_broken_and_none_panics() {
        let data = [
            0x82, 0xA1, b'a', 0xDC, 0, 2, 0xC5, 0, 1, 9, 0xC7, 1, 5, 7, 0xA1, b'b', 0xCB, 0, 0, 0, 0, 0, 0,
            0, 0,
        ];
        assert!(read(&data).is_ok());
        assert_eq!(Reader::new(&data).skip().map(<[u8]>::len), Ok(data.len()));
        for end in 0..data.len() {
            assert_eq!(Reader::new(&data[..end]).value(), Err(Broken), "at {}", end);
            assert_eq!(Reader::new(&data[..end]).skip(), Err(Broken), "at {}", end);
        }
    }

    #[test]
    fn lengths_that_promise_too_much_cost_nothing() {
        for data in [
            &[0xDD, 0xFF, 0xFF, 0xFF, 0xFF, 0][..],
            &[0xDF, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0xC6, 0xFF, 0xFF, 0xFF, 0xFF],
        ] {
            assert_eq!(Reader::new(data).skip(), Err(Broken));
            assert_eq!(Reader::new(data).value(), Err(Broken));
        }
        assert_eq!(Reader::new(&[0x91; 1000]).value(), Err(Broken));
    }
}
