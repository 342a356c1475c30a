//! Entity tags and `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1).

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
};

use super::{
    contract::{Contract, Part},
    kind::Kind,
};
use crate::error::Error;

/// The strong entity tag of a resource: its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ETag(u64);

impl ETag {
    /// The tag of a version.
    #[must_use]
    pub const fn of(version: u64) -> Self {
        Self(version)
    }
}

impl From<ETag> for HeaderValue {
    fn from(tag: ETag) -> Self {
        let mut value = Vec::with_capacity(22);
        value.push(b'"');
        value.extend_from_slice(tag.0.to_string().as_bytes());
        value.push(b'"');
        // Digits between quotes are always a header value.
        Self::from_bytes(&value).unwrap_or(Self::from_static("\"0\""))
    }
}

/// The request's `If-Match` condition.
#[derive(Debug, Clone)]
pub struct IfMatch(Vec<HeaderValue>);

impl IfMatch {
    /// What the header's value matches: `*`, or entity tags, of visible ASCII characters as they are
    /// here.
    pub const PATTERN: &str = r#"^(\*|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)$"#;

    /// Checks the condition against a resource that exists.
    ///
    /// # Errors
    /// 412 where none of the tags is the resource's, 400 where the header is not of its form.
    pub fn check(&self, tag: ETag) -> Result<(), Error> {
        self.check_against(Some(tag))
    }

    /// Checks the condition against a resource that does not exist: no tag is its, and `*` asks that
    /// it exists.
    ///
    /// # Errors
    /// 412 where there is a condition, 400 where the header is not of its form.
    pub fn check_missing(&self) -> Result<(), Error> {
        self.check_against(None)
    }

    fn check_against(&self, tag: Option<ETag>) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let tag = tag.map(HeaderValue::from);
        let mut matched = false;
        if let [only] = &self.0[..]
            && only == "*"
        {
            matched = tag.is_some();
        } else {
            for header in &self.0 {
                let text = header.to_str().map_err(|_| Error::InvalidIfMatch)?;
                for part in entity_tags(text).ok_or(Error::InvalidIfMatch)? {
                    // Strong comparison: a weak tag never matches.
                    matched |= tag.as_ref().is_some_and(|tag| part == tag);
                }
            }
        }
        if matched { Ok(()) } else { Err(Error::PreconditionFailed) }
    }

    /// What a request is refused with that has lost a race: another one has changed the resource
    /// after this one had read it. `detail` is for one that named no version.
    #[must_use]
    pub fn lost_race(&self, detail: &'static str) -> Error {
        if self.is_present() {
            Error::PreconditionFailed
        } else {
            Error::conflict("edit_conflict", detail)
        }
    }

    /// Whether the request has a condition.
    #[must_use]
    pub fn is_present(&self) -> bool {
        !self.0.is_empty()
    }

    fn of(headers: &HeaderMap) -> Self {
        Self(headers.get_all(header::IF_MATCH).iter().cloned().collect())
    }
}

/// The entity tags of a list. A comma within quotes is a tag's own.
fn entity_tags(list: &str) -> Option<Vec<&str>> {
    let blanks = [' ', '\t'];
    let (mut tags, mut rest) = (Vec::new(), list);
    loop {
        rest = rest.trim_start_matches(blanks);
        let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let opaque = &quoted[..quoted.find('"')?];
        if !opaque.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let (tag, after) = rest.split_at(rest.len() - quoted.len() + opaque.len() + 1);
        tags.push(tag);
        let after = after.trim_start_matches(blanks);
        if after.is_empty() {
            return Some(tags);
        }
        rest = after.strip_prefix(',')?;
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

impl Part for IfMatch {
    fn tell(contract: &mut Contract) {
        contract.refuses([Kind::InvalidIfMatch, Kind::PreconditionFailed, Kind::EditConflict]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(value: &'static str) -> IfMatch {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static(value));
        IfMatch::of(&headers)
    }

    fn check(value: &'static str) -> Result<(), &'static str> {
        if_match(value).check(ETag::of(3)).map_err(|error| error.code())
    }

    #[test]
    fn only_the_present_version_or_a_star_matches() {
        assert_eq!(check("\"3\""), Ok(()));
        assert_eq!(check("*"), Ok(()));
        assert_eq!(check("\"1\", \"3\""), Ok(()));
        assert_eq!(check("\"4\""), Err("precondition_failed"));
        assert_eq!(check("W/\"3\""), Err("precondition_failed"));
        assert_eq!(check("3"), Err("invalid_if_match"));
        assert_eq!(check("\""), Err("invalid_if_match"));
        assert_eq!(check(""), Err("invalid_if_match"));
        assert_eq!(check("\"a,b\" ,\t\"3\""), Ok(()));
        assert_eq!(check("\"a,b\""), Err("precondition_failed"));
        for text in ["*, \"3\"", "\"3\",", "\"3\" \"4\"", "\"a\"b\"", "\"a b\"", "W/"] {
            assert_eq!(check(text), Err("invalid_if_match"), "{text}");
        }
        assert!(IfMatch::of(&HeaderMap::new()).check(ETag::of(3)).is_ok());
    }

    #[test]
    fn a_lost_race_is_412_for_who_has_named_a_version_and_409_for_who_has_not() {
        assert_eq!(if_match("\"3\"").lost_race("").code(), "precondition_failed");
        assert_eq!(IfMatch::of(&HeaderMap::new()).lost_race("").code(), "edit_conflict");
    }

    #[test]
    fn nothing_matches_what_does_not_exist() {
        for (value, code) in [
            ("*", "precondition_failed"),
            ("\"3\"", "precondition_failed"),
            ("3", "invalid_if_match"),
        ] {
            let error = if_match(value).check_missing().unwrap_err();
            assert_eq!(error.code(), code, "{value}");
        }
        assert!(IfMatch::of(&HeaderMap::new()).check_missing().is_ok());
    }
}
