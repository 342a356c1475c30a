//! How the profile's fields are read.

use shared::http::field::{Ruled, Text, TextRule};

/// What people call a user.
pub type DisplayName = Text<1, 100>;
/// A language.
pub type Locale = Ruled<LocaleRule>;
/// The address of a picture.
pub type HttpsUrl = Ruled<HttpsUrlRule>;

/// A BCP 47 language tag. It is stored in its canonical case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocaleRule;

impl TextRule for LocaleRule {
    type Output = String;
    const NAME: &'static str = "Locale";
    const FORMAT: &'static str = "bcp-47";
    const PATTERN: Option<&'static str> = None;
    const MAX: usize = 35;

    fn read(text: &str) -> Result<String, &'static str> {
        const EXPECTED: &str = "Must be a BCP 47 language tag, such as en-US.";
        if text.contains('_') {
            return Err(EXPECTED);
        }
        let locale: icu_locale_core::Locale = text.parse().map_err(|_| EXPECTED)?;
        Ok(locale.to_string())
    }
}

/// An absolute https address without credentials in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsUrlRule;

impl TextRule for HttpsUrlRule {
    type Output = String;
    const NAME: &'static str = "HttpsUrl";
    const FORMAT: &'static str = "uri";
    const PATTERN: Option<&'static str> = None;
    const MAX: usize = 2048;

    fn read(text: &str) -> Result<String, &'static str> {
        const EXPECTED: &str = "Must be an absolute https URL without user name or password.";
        // The parser forgives blanks and line breaks; a stored address should not hold any.
        if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
            return Err(EXPECTED);
        }
        let url = url::Url::parse(text).map_err(|_| EXPECTED)?;
        let plain = url.username().is_empty() && url.password().is_none();
        // It also forgives `https:host` and `https:///host`, which other programs read otherwise.
        let (start, rest) = text.split_at_checked(8).ok_or(EXPECTED)?;
        let whole = start.eq_ignore_ascii_case("https://") && !rest.starts_with(['/', '\\']);
        // What is stored is what the parser has made of it: other characters take three bytes each.
        if url.as_str().len() > Self::MAX {
            return Err("Must have at most 2048 bytes, in percent-encoding.");
        }
        if url.scheme() == "https" && url.has_host() && plain && whole {
            Ok(url.into())
        } else {
            Err(EXPECTED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_stored_in_canonical_case() {
        assert_eq!(LocaleRule::read("en-us").as_deref(), Ok("en-US"));
        assert_eq!(LocaleRule::read("zh-hant-tw").as_deref(), Ok("zh-Hant-TW"));
        for text in ["en_US", "english language", "e", "1", "en-", ""] {
            assert!(LocaleRule::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_avatar_is_an_https_address() {
        assert_eq!(
            HttpsUrlRule::read("https://cdn.planasonix.com/avatars/usr_01jq8me.png").as_deref(),
            Ok("https://cdn.planasonix.com/avatars/usr_01jq8me.png")
        );
        for text in [
            "http://example.com/a.png",
            "javascript:alert(1)",
            "data:image/png;base64,AAAA",
            "https://user:secret@example.com/",
            "https:example.com",
            "https:///a.png",
            "//example.com/a.png",
            "https://exa mple.com/",
            "",
        ] {
            assert!(HttpsUrlRule::read(text).is_err(), "{text}");
        }
    }
}
