//! Capabilities with types: what an agent takes and gives is a Rust type, and its JSON Schema follows from it.
//!
//! ```
//! use caxton_agent::capability::{Capability, Content, Cost};
//! use caxton_agent::{content, df, Performative};
//!
//! content! {
//!     /// What is to be made loud.
//!     pub struct Quiet {
//!         text: String,
//!         times: Option<i64>,
//!     }
//! }
//!
//! let upper = Capability::new("text.upper", "1.2.0")
//!     .takes::<Quiet>()
//!     .gives::<String>()
//!     .performative(Performative::Request)
//!     .cost(Cost::LatencyMs, 2.0)
//!     .attribute("lang", "en");
//! let draft = df::register_all(&[upper]);
//! # let _ = draft;
//! ```

use crate::performative::Performative;
use crate::value::Value;

/// What can be the content of a message, as JSON: it has a schema, and is read and written by it.
pub trait Content: Sized {
    /// Whether a record must have it.
    const REQUIRED: bool = true;

    /// The JSON Schema of all its values.
    fn schema() -> Value;

    /// Read it; none if the value is no such thing.
    fn read(value: &Value) -> Option<Self>;

    /// Write it.
    fn write(&self) -> Value;
}

fn of_type(name: &str) -> Value {
    Value::map([("type", name.into())])
}

impl Content for String {
    fn schema() -> Value {
        of_type("string")
    }

    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }

    fn write(&self) -> Value {
        self.as_str().into()
    }
}

impl Content for i64 {
    fn schema() -> Value {
        of_type("integer")
    }

    fn read(value: &Value) -> Option<Self> {
        value.as_i64()
    }

    fn write(&self) -> Value {
        (*self).into()
    }
}

impl Content for f64 {
    fn schema() -> Value {
        of_type("number")
    }

    fn read(value: &Value) -> Option<Self> {
        value.as_f64()
    }

    fn write(&self) -> Value {
        (*self).into()
    }
}

impl Content for bool {
    fn schema() -> Value {
        of_type("boolean")
    }

    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }

    fn write(&self) -> Value {
        (*self).into()
    }
}

impl<T: Content> Content for Vec<T> {
    fn schema() -> Value {
        Value::map([("type", "array".into()), ("items", T::schema())])
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::List(values) => values.iter().map(T::read).collect(),
            _ => None,
        }
    }

    fn write(&self) -> Value {
        Value::List(self.iter().map(T::write).collect())
    }
}

impl<T: Content> Content for Option<T> {
    const REQUIRED: bool = false;

    fn schema() -> Value {
        Value::map([("anyOf", Value::List(vec![T::schema(), of_type("null")]))])
    }

    fn read(value: &Value) -> Option<Self> {
        if value.is_nil() {
            return Some(None);
        }
        T::read(value).map(Some)
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Nil, T::write)
    }
}

/// Define a record that is the content of messages: a struct with public fields that implements [`Content`].
#[macro_export]
macro_rules! content {
    ($(#[$attribute:meta])* $visible:vis struct $name:ident { $($(#[$note:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq)]
        $visible struct $name {
            $($(#[$note])* #[allow(missing_docs)] pub $field: $kind,)*
        }

        impl $crate::capability::Content for $name {
            fn schema() -> $crate::Value {
                let properties = ::std::vec![$((
                    ::std::string::String::from(stringify!($field)),
                    <$kind as $crate::capability::Content>::schema(),
                )),*];
                let required = [$((stringify!($field), <$kind as $crate::capability::Content>::REQUIRED)),*];
                $crate::capability::record_schema(properties, &required)
            }

            fn read(value: &$crate::Value) -> ::std::option::Option<Self> {
                if !matches!(value, $crate::Value::Map(_)) {
                    return None;
                }
                Some($name {
                    $($field: <$kind as $crate::capability::Content>::read(value.get(stringify!($field)))?,)*
                })
            }

            fn write(&self) -> $crate::Value {
                $crate::Value::Map(::std::vec![$((
                    ::std::string::String::from(stringify!($field)),
                    $crate::capability::Content::write(&self.$field),
                )),*])
            }
        }
    };
}

/// The schema of a record; used by [`content!`].
pub fn record_schema(properties: Vec<(String, Value)>, required: &[(&str, bool)]) -> Value {
    let names =
        required.iter().filter(|(_, is_required)| *is_required).map(|(name, _)| (*name).into()).collect();
    Value::map([
        ("type", "object".into()),
        ("properties", Value::Map(properties)),
        ("required", Value::List(names)),
    ])
}

/// What using a capability once takes; searches prefer the cheaper of equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Money, in whatever the cluster counts.
    Price,
    /// Time until the answer, milliseconds.
    LatencyMs,
    /// Tokens of a language model.
    Tokens,
    /// Fuel units.
    Fuel,
}

impl Cost {
    fn word(self) -> &'static str {
        match self {
            Cost::Price => "price",
            Cost::LatencyMs => "latency_ms",
            Cost::Tokens => "tokens",
            Cost::Fuel => "fuel",
        }
    }
}

/// Something that an agent can do, to be registered with [`crate::df::register_all`].
#[derive(Clone, Debug, PartialEq)]
pub struct Capability {
    said: Vec<(String, Value)>,
    performatives: Vec<Value>,
    protocols: Vec<Value>,
    cost: Vec<(String, Value)>,
    attributes: Vec<(String, Value)>,
}

impl Capability {
    /// Name a capability and the version of its contract, as semver.org says: `1.2.0`.
    pub fn new(name: &str, version: &str) -> Self {
        Capability {
            said: vec![("name".to_owned(), name.into()), ("version".to_owned(), version.into())],
            performatives: Vec::new(),
            protocols: Vec::new(),
            cost: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// Say what it takes.
    #[must_use]
    pub fn takes<T: Content>(self) -> Self {
        self.says("input", T::schema())
    }

    /// Say what it answers with.
    #[must_use]
    pub fn gives<T: Content>(self) -> Self {
        self.says("output", T::schema())
    }

    /// Describe it for people, and for searches by words.
    #[must_use]
    pub fn description(self, text: &str) -> Self {
        self.says("description", text.into())
    }

    /// Add an act by which it is asked for.
    #[must_use]
    pub fn performative(mut self, act: Performative) -> Self {
        self.performatives.push(act.word().into());
        self
    }

    /// Add an interaction protocol that it speaks, such as `fipa-request`.
    #[must_use]
    pub fn protocol(mut self, name: &str) -> Self {
        self.protocols.push(name.into());
        self
    }

    /// Say what using it once takes.
    #[must_use]
    pub fn cost(mut self, cost: Cost, amount: f64) -> Self {
        self.cost.push((cost.word().to_owned(), amount.into()));
        self
    }

    /// Add whatever else it can be asked for by.
    #[must_use]
    pub fn attribute(mut self, key: &str, value: &str) -> Self {
        self.attributes.push((key.to_owned(), value.into()));
        self
    }

    fn says(mut self, key: &str, value: Value) -> Self {
        self.said.push((key.to_owned(), value));
        self
    }

    /// Write it as `df` reads it; what was not said is left out.
    pub fn to_value(&self) -> Value {
        let mut said = self.said.clone();
        let mut add = |key: &str, value: Value, is_empty: bool| {
            if !is_empty {
                said.push((key.to_owned(), value));
            }
        };
        add("performatives", Value::List(self.performatives.clone()), self.performatives.is_empty());
        add("protocols", Value::List(self.protocols.clone()), self.protocols.is_empty());
        add("cost", Value::Map(self.cost.clone()), self.cost.is_empty());
        add("attributes", Value::Map(self.attributes.clone()), self.attributes.is_empty());
        Value::Map(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    content! {
        struct Order {
            task: String,
            copies: i64,
            note: Option<String>,
            prices: Vec<f64>,
        }
    }

    fn order() -> Order {
        Order { task: "a roof".to_owned(), copies: 2, note: None, prices: vec![1.5] }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        assert_eq!(Order::read(&order().write()), Some(order()));
        let short = Value::map([("task", "x".into()), ("copies", 1.into()), ("prices", Value::List(vec![]))]);
        assert_eq!(Order::read(&short).map(|order| order.note), Some(None));
        assert_eq!(Order::read(&Value::map([("task", 1.into())])), None);
        assert_eq!(Order::read(&"text".into()), None);
    }

    #[test]
    fn a_schema_says_what_the_type_says() {
        let schema = Order::schema();
        assert_eq!(schema.get("required").as_list(), ["task".into(), "copies".into(), "prices".into()]);
        assert_eq!(schema.get("properties").get("copies"), &of_type("integer"));
        assert_eq!(schema.get("properties").get("prices").get("items"), &of_type("number"));
    }

    #[test]
    fn a_capability_says_what_was_said_of_it_and_no_more() {
        let plain = Capability::new("a", "1.0.0").to_value();
        assert_eq!(plain, Value::map([("name", "a".into()), ("version", "1.0.0".into())]));
        let full = Capability::new("a", "1.0.0")
            .takes::<Order>()
            .performative(Performative::Request)
            .protocol("fipa-request")
            .cost(Cost::LatencyMs, 2.0)
            .attribute("lang", "en")
            .to_value();
        assert_eq!(full.get("input"), &Order::schema());
        assert_eq!(full.get("performatives").as_list(), ["request".into()]);
        assert_eq!(full.get("cost").get("latency_ms").as_f64(), Some(2.0));
        assert_eq!(full.get("attributes").get("lang").as_str(), Some("en"));
    }
}
