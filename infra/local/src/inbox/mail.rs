//! A mail as a message.

use mail_parser::MessageParser;
use serde_json::json;

use super::message::{Kind, Message};

/// What a server has of a mail.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mail {
    /// From whom, as the sending program has said.
    pub(super) sender: String,
    /// To whom it goes, whatever the mail's own header says.
    pub(super) recipients: Vec<String>,
    /// Headers and body.
    pub(super) content: Vec<u8>,
}

impl From<Mail> for Message {
    fn from(mail: Mail) -> Self {
        let parsed = MessageParser::default().parse(&mail.content);
        let parsed = parsed.as_ref();
        let subject = parsed.and_then(|it| it.subject()).unwrap_or_default();
        let text = parsed.and_then(|it| it.body_text(0)).unwrap_or_default();
        Self {
            kind: Kind::Mail,
            to: mail.recipients.join(", "),
            title: subject.to_owned(),
            body: text.into_owned(),
            source: json!({
                "from": mail.sender,
                "to": mail.recipients,
                "content": String::from_utf8_lossy(&mail.content),
            }),
            answer: "250 kept".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(content: &str) -> Message {
        let recipients = vec!["ops@acme.example".to_owned(), "ada@acme.example".to_owned()];
        Mail { sender: "a@b.example".to_owned(), recipients, content: content.into() }.into()
    }

    #[test]
    fn what_is_encoded_becomes_readable() {
        let message = message(
            "From: a@b.example\r\nTo: ops@acme.example\r\n\
             Subject: =?utf-8?Q?Pipeline_=E2=80=9CNightly=E2=80=9D_failed?=\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n\
             --x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
             RXMgaXN0IHNww6R0Lg==\r\n\
             --x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Es ist spät.</p>\r\n--x--\r\n",
        );
        assert_eq!(message.to, "ops@acme.example, ada@acme.example");
        assert_eq!(message.title, "Pipeline “Nightly” failed");
        assert_eq!(message.body, "Es ist spät.");
        assert!(message.source["content"].as_str().unwrap().contains("RXMgaXN0IHNww6R0Lg=="));
    }

    #[test]
    fn what_is_no_mail_is_kept_all_the_same() {
        for content in ["", "\r\n", "no header at all", "Subject: x"] {
            assert_eq!(message(content).source["content"], content);
        }
    }
}
