//! E-mail addresses in bodies.

use super::field::{Ruled, TextRule};

/// An e-mail address. Addresses are the same without regard to case, so it is in lowercase.
pub type EmailAddress = Ruled<EmailAddressRule>;

/// How an e-mail address is read: without a name for display, and at a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddressRule;

impl TextRule for EmailAddressRule {
    type Output = String;
    const NAME: &'static str = "Email";
    const FORMAT: &'static str = "email";
    const PATTERN: Option<&'static str> = None;
    const MAX: usize = 254;

    fn read(text: &str) -> Result<String, &'static str> {
        let options =
            email_address::Options::default().without_display_text().without_domain_literal();
        match email_address::EmailAddress::parse_with_options(text, options) {
            // The parser takes control characters outside ASCII for letters, and names in quotes, which hardly a
            // mail server knows.
            Ok(address) if !text.contains(|it: char| it.is_control() || it == '"') => {
                Ok(address.as_str().to_lowercase())
            }
            _ => Err("Must be an e-mail address."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_lowercase() {
        assert_eq!(
            EmailAddressRule::read("OnCall+p1@Example.com").as_deref(),
            Ok("oncall+p1@example.com")
        );
        for text in [
            "",
            "oncall",
            "oncall@",
            "@example.com",
            "On Call <oncall@example.com>",
            "oncall@[192.0.2.1]",
            "oncall@example.com, other@example.com",
            "oncall@example.com\r\nBcc: other@example.com",
            "\"a\r\nb\"@example.com",
            "\"a b\"@example.com",
            "a\u{85}b@example.com",
        ] {
            assert!(EmailAddressRule::read(text).is_err(), "{text:?}");
        }
    }
}
