//! The macro [`object!`]: an object of the API, which keeps every member it does not know.
//!
//! A known member is decoded straight into its field. An unknown one, and a known one that is `null`, goes into
//! `extra` and is written back. That is faster than serde's `flatten`, which buffers every member first, and it keeps
//! `null` and "absent" different.

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

/// A type that a field of an [`object!`] can have.
pub(crate) trait Member: Sized {
    /// Reads the member's value; `None` for `null`.
    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Self>, A::Error>;

    /// Returns the field of an object without this member; `None` if every object must have it.
    fn absent() -> Option<Self> {
        None
    }

    /// Returns `false` if the member is left out when the object is written. `is_in_extra` says that `extra` has it.
    fn is_written(&self, _is_in_extra: bool) -> bool {
        true
    }
}

impl<T: DeserializeOwned + Serialize> Member for Option<T> {
    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Self>, A::Error> {
        Ok(map.next_value::<Self>()?.map(Some))
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn is_written(&self, _is_in_extra: bool) -> bool {
        self.is_some()
    }
}

impl<T: DeserializeOwned + Serialize> Member for Vec<T> {
    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Self>, A::Error> {
        map.next_value()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn is_written(&self, is_in_extra: bool) -> bool {
        !(self.is_empty() && is_in_extra)
    }
}

/// Types of members that every object must have.
macro_rules! required_member {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::values::object::Member for $type {
            fn read<'de, A: serde::de::MapAccess<'de>>(
                map: &mut A,
            ) -> Result<Option<Self>, A::Error> {
                map.next_value()
            }
        }
    )*};
}

pub(crate) use required_member;

required_member!(bool, String);

/// Reads the name of a member: a known one by the given function, another one as text.
pub(crate) struct MemberName<K>(pub(crate) fn(&str) -> Option<K>);

impl<'de, K> DeserializeSeed<'de> for MemberName<K> {
    type Value = Result<K, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<K> Visitor<'_> for MemberName<K> {
    type Value = Result<K, String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok((self.0)(name).ok_or_else(|| name.to_owned()))
    }
}

/// Returns the field, or an error if the object must have it.
pub(crate) fn finish<T: Member, E: serde::de::Error>(
    field: Option<T>,
    name: &'static str,
) -> Result<T, E> {
    field
        .or_else(T::absent)
        .ok_or_else(|| E::missing_field(name))
}

/// Decodes a member, and keeps an explicit `null` in `extra`.
pub(crate) fn read<'de, T: Member, A: MapAccess<'de>>(
    map: &mut A,
    name: &'static str,
    extra: &mut super::Extra,
) -> Result<Option<T>, A::Error> {
    let value = T::read(map)?;
    if value.is_none() {
        if T::absent().is_none() {
            return Err(A::Error::missing_field(name));
        }
        extra.insert(name.to_owned(), serde_json::Value::Null);
    }
    Ok(value)
}

/// The name of a member: that of its field, or the text beside it.
macro_rules! member_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $name:literal) => {
        $name
    };
}

pub(crate) use member_name;

/// Declares an object of the API as a struct with public fields and `extra`, with its reading and writing.
///
/// A field that is an `Option` may be absent. A list may be absent or `null`, and is empty then. Every other field must
/// be there. A field whose name in JSON is another one has that beside it: `pub kind: String = "type"`.
macro_rules! object {
    ($(
        $(#[$meta:meta])*
        pub struct $object:ident {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty $(= $name:literal)?,)*
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $object {
            $($(#[$field_meta])* pub $field: $type,)*
            /// The members that this version does not know, and those that are `null`. They are written back.
            pub extra: $crate::values::Extra,
        }

        impl $object {
            /// The names in JSON of the members that this version knows.
            pub const MEMBERS: &'static [&'static str] =
                &[$($crate::values::object::member_name!($field $($name)?)),*];
        }

        const _: () = {
            use $crate::values::object::{Member, MemberName, finish, member_name, read};

            #[allow(non_camel_case_types)]
            enum Known { $($field,)* }

            fn known(name: &str) -> Option<Known> {
                match name {
                    $(member_name!($field $($name)?) => Some(Known::$field),)*
                    _ => None,
                }
            }

            struct Members;

            impl<'de> serde::de::Visitor<'de> for Members {
                type Value = $object;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<$object, A::Error> {
                    $(let mut $field: Option<$type> = None;)*
                    let mut extra = $crate::values::Extra::default();
                    while let Some(name) = map.next_key_seed(MemberName(known))? {
                        match name {
                            $(Ok(Known::$field) => {
                                const NAME: &str = member_name!($field $($name)?);
                                $field = read(&mut map, NAME, &mut extra)?;
                            })*
                            Err(name) => {
                                extra.insert(name, map.next_value()?);
                            }
                        }
                    }
                    Ok($object {
                        $($field: finish($field, member_name!($field $($name)?))?,)*
                        extra,
                    })
                }
            }

            impl<'de> serde::Deserialize<'de> for $object {
                fn deserialize<D: serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Self, D::Error> {
                    deserializer.deserialize_map(Members)
                }
            }

            impl serde::Serialize for $object {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    use serde::ser::SerializeMap as _;

                    let mut map = serializer.serialize_map(None)?;
                    $({
                        const NAME: &str = member_name!($field $($name)?);
                        if Member::is_written(&self.$field, self.extra.contains_key(NAME)) {
                            map.serialize_entry(NAME, &self.$field)?;
                        }
                    })*
                    for (name, value) in self.extra.iter() {
                        let is_written = match known(name) {
                            $(Some(Known::$field) => Member::is_written(&self.$field, true),)*
                            None => false,
                        };
                        if !is_written {
                            map.serialize_entry(name, value)?;
                        }
                    }
                    map.end()
                }
            }

            $crate::values::object::required_member!($object);
            impl $crate::body::Body for $object {}
        };
    )*};
}

pub(crate) use object;
