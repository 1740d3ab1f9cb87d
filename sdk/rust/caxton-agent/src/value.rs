//! One tree for what JSON and MessagePack can say.

/// A number, a text, a list, ...: the content of a message or a configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// JSON null, MessagePack nil.
    Nil,
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number, and whole ones beyond 64 bits.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes; JSON has none and writes them as text.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// Keys and values, in the order written; of equal keys the first counts.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Make a map: `Value::map([("price", 42.into())])`.
    pub fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
        Value::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// What a map has for a key; nil when it has nothing or this is no map.
    pub fn get(&self, key: &str) -> &Value {
        match self {
            Value::Map(entries) => {
                entries.iter().find(|(name, _)| name == key).map_or(&Value::Nil, |(_, value)| value)
            }
            _ => &Value::Nil,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is a whole one.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements of a list; none when it is no list.
    pub fn as_list(&self) -> &[Value] {
        match self {
            Value::List(values) => values,
            _ => &[],
        }
    }

    /// Whether it is nil.
    pub fn is_nil(&self) -> bool {
        *self == Value::Nil
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::Float(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Value::List(values)
    }
}
