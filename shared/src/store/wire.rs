//! Attributes in the form that the table sends them in, for serde to read where they stand:
//! `{"M": {"name": {"S": "Ada"}, "logins": {"N": "5"}}}`.

use std::{fmt, marker::PhantomData};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess,
        SeqAccess, Visitor, value::MapAccessDeserializer,
    },
};

/// Reads an attribute.
pub(super) fn read<'de, T: DeserializeOwned, D: Deserializer<'de>>(json: D) -> Result<T, D::Error> {
    Tagged(PhantomData::<T>).deserialize(json)
}

/// What kind a value is of.
#[derive(Clone, Copy, Deserialize)]
enum Kind {
    S,
    N,
    B,
    #[serde(rename = "BOOL")]
    Bool,
    #[serde(rename = "NULL")]
    Null,
    M,
    L,
    /// A set, which is nothing that the table has.
    #[serde(other)]
    Other,
}

/// A value that begins with its kind, and what is to be made of it.
pub(super) struct Tagged<S>(pub(super) S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Tagged<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Tagged<S> {
    type Value = S::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an attribute")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<S::Value, A::Error> {
        let kind = map.next_key()?.ok_or_else(|| A::Error::custom("an attribute of no kind"))?;
        let value = self.0.deserialize(Value { kind, rest: &mut map })?;
        match map.next_key::<IgnoredAny>()? {
            None => Ok(value),
            Some(_) => Err(A::Error::custom("an attribute of two kinds")),
        }
    }
}

/// A value whose kind has been read.
struct Value<'a, A> {
    kind: Kind,
    rest: &'a mut A,
}

/// What is read of one kind alone.
macro_rules! of_kind {
    ($($kind:ident as $content:ident: $($method:ident)+;)+) => {$($(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
            match self.kind {
                Kind::$kind => self.rest.next_value_seed($content(visitor)),
                _ => Err(of_another_kind()),
            }
        }
    )+)+};
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Value<'_, A> {
    type Error = A::Error;

    // What is of one kind is compiled for that one: a binary is 70 KB smaller than with all of them.
    of_kind! {
        S as Text: deserialize_char deserialize_str deserialize_string deserialize_identifier;
        N as Number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
            deserialize_f32 deserialize_f64;
        B as Bytes: deserialize_bytes deserialize_byte_buf;
        Bool as Flag: deserialize_bool;
        M as Map: deserialize_map;
        L as List: deserialize_seq;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        match self.kind {
            Kind::S => self.deserialize_str(visitor),
            Kind::N => self.deserialize_f64(visitor),
            Kind::B => self.deserialize_byte_buf(visitor),
            Kind::Bool => self.deserialize_bool(visitor),
            Kind::M => self.deserialize_map(visitor),
            Kind::L => self.deserialize_seq(visitor),
            Kind::Null => self.deserialize_unit(visitor),
            Kind::Other => Err(of_another_kind()),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        match self.kind {
            Kind::Null => {
                self.rest.next_value::<IgnoredAny>()?;
                visitor.visit_unit()
            }
            _ => Err(of_another_kind()),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        if let Kind::Null = self.kind {
            self.rest.next_value::<IgnoredAny>()?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        match self.kind {
            Kind::S => visitor.visit_enum(self.rest.next_value::<String>()?.into_deserializer()),
            Kind::M => self.rest.next_value_seed(Variant { name, variants, visitor }),
            _ => Err(of_another_kind()),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        self.rest.next_value::<IgnoredAny>()?;
        visitor.visit_unit()
    }
}

fn of_another_kind<E: Error>() -> E {
    E::custom("an attribute of another kind")
}

/// A map's attributes, by name.
struct Attributes<A>(A);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Attributes<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Tagged(seed))
    }
}

/// A list's elements.
struct Elements<A>(A);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Tagged(seed))
    }
}

/// What stands behind a kind: how JSON has it, and what is made of that.
macro_rules! content {
    ($name:ident, $deserialize:ident, $visit:item) => {
        struct $name<V>(V);

        impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for $name<V> {
            type Value = V::Value;

            fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<V::Value, D::Error> {
                json.$deserialize(self)
            }
        }

        impl<'de, V: Visitor<'de>> Visitor<'de> for $name<V> {
            type Value = V::Value;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.expecting(formatter)
            }

            $visit
        }
    };
}

content!(
    Text,
    deserialize_str,
    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.0.visit_str(text)
    }
);
content!(
    Number,
    deserialize_str,
    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        visit_number(text, self.0)
    }
);
content!(
    Bytes,
    deserialize_str,
    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        let bytes = STANDARD.decode(text).map_err(|_| E::custom("not in Base64"))?;
        self.0.visit_byte_buf(bytes)
    }
);
content!(
    Flag,
    deserialize_bool,
    fn visit_bool<E: Error>(self, flag: bool) -> Result<V::Value, E> {
        self.0.visit_bool(flag)
    }
);
content!(
    Map,
    deserialize_map,
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Attributes(map))
    }
);
content!(
    List,
    deserialize_seq,
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Elements(list))
    }
);

/// A map that stands for a variant.
struct Variant<V> {
    name: &'static str,
    variants: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Variant<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Variant<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let map = MapAccessDeserializer::new(Attributes(map));
        map.deserialize_enum(self.name, self.variants, self.visitor)
    }
}

/// A number as the table writes it.
fn visit_number<'de, V: Visitor<'de>, E: Error>(number: &str, visitor: V) -> Result<V::Value, E> {
    if let Ok(number) = number.parse::<u64>() {
        visitor.visit_u64(number)
    } else if let Ok(number) = number.parse::<i64>() {
        visitor.visit_i64(number)
    } else {
        // The number itself is not told: it may be anybody's.
        let number = number.parse().map_err(|_| E::custom("a number of another kind"))?;
        visitor.visit_f64(number)
    }
}

#[cfg(test)]
mod tests;
