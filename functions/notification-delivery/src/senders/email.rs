//! E-mail, by the deployment's SMTP server. Each recipient gets a mail of their own: one who is refused
//! does not lose the others theirs, and nobody learns of the others.

use std::time::{Duration, SystemTime};

use lettre::{
    Address, Message,
    address::Envelope,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::ExposeSecret as _;
use shared::{
    clock::Timestamp,
    model::notifications::{delivery::Delivery, event::Event},
};
use tokio::time::Instant;

use super::{Outcome, Senders, Verdict};
use crate::{
    deployment::{Smtp, Tls},
    message::{facts, subject, text},
};

/// How many times the time of one request the mails to all recipients may take together. What is not
/// sent by then is tried again.
const TIMES: u32 = 3;

/// What a mail is made of.
struct Content {
    /// By it a mail that was sent twice is known.
    id: String,
    subject: String,
    plain: String,
    html: String,
    date: SystemTime,
}

/// What the server has said to one recipient, or did not say.
enum Answer {
    Taken,
    /// Its code, where there is one, and whether it would be the same again.
    Refused(Option<u16>, bool),
}

/// A connection to the server, made when it is needed.
struct Connection<'a> {
    smtp: &'a Smtp,
    from: Mailbox,
    open: Option<AsyncSmtpConnection>,
}

pub(super) async fn send(
    senders: &Senders,
    delivery: &Delivery,
    recipients: &[String],
    now: Timestamp,
) -> Result<Outcome, Outcome> {
    let deployment = senders.deployment.value().await?;
    let smtp = deployment.smtp.as_ref();
    let smtp = smtp.ok_or_else(|| Verdict::failed("The deployment has no SMTP server."))?;
    let content = Content::of(delivery, now);
    let time = Duration::from_millis(senders.settings.timeout_milliseconds);
    let deadline = after(time * TIMES);
    let mut connection = Connection::to(smtp)?;
    let mut outcome = Outcome::from(Verdict::Delivered);
    let (mut passing, mut last) = (0, None);
    let is_done = |it: &&String| delivery.taken_by.contains(it) || delivery.refused_by.contains(it);
    for recipient in recipients.iter().filter(|it| !is_done(it)) {
        let until = deadline.min(after(time));
        let sending = connection.send(&content, recipient);
        let answer = tokio::time::timeout_at(until, sending).await;
        // What it was about to say belongs to nothing that comes after.
        let answer = answer.unwrap_or(Answer::Refused(None, false));
        match answer {
            Answer::Taken => outcome.taken_by.push(recipient.clone()),
            Answer::Refused(code, true) => {
                last = code.or(last);
                outcome.refused_by.push(recipient.clone());
            }
            Answer::Refused(code, false) => {
                (passing, last) = (passing + 1, code.or(last));
                connection.open = None;
            }
        }
    }
    connection.close(deadline).await;
    let taken = delivery.taken_by.len() + outcome.taken_by.len();
    let refused = delivery.refused_by.len() + outcome.refused_by.len();
    outcome.status = last.or((!outcome.taken_by.is_empty()).then_some(250));
    outcome.verdict = verdict(Counts { taken, refused, passing }, last);
    Ok(outcome)
}

fn after(time: Duration) -> Instant {
    Instant::now() + time
}

/// How many recipients it has come to what with.
#[derive(Clone, Copy)]
struct Counts {
    taken: usize,
    refused: usize,
    passing: usize,
}

fn verdict(counts: Counts, last: Option<u16>) -> Verdict {
    let Counts { taken, refused, passing } = counts;
    let said = last.map(|code| format!(" The server answered {code}.")).unwrap_or_default();
    let all = taken + refused + passing;
    let told = format!("{taken} of {all} recipients have taken it, {refused} have refused it.");
    match (refused, passing) {
        (0, 0) => Verdict::Delivered,
        (_, 0) => Verdict::refused(format!("{told}{said}")),
        _ => Verdict::failed(format!("{told}{said}")),
    }
}

impl Content {
    fn of(delivery: &Delivery, now: Timestamp) -> Self {
        let event = &delivery.event;
        Self {
            id: delivery.id.to_string(),
            subject: subject(event),
            plain: plain(event, &facts(delivery)),
            html: html(event, &facts(delivery)),
            date: SystemTime::UNIX_EPOCH
                + Duration::from_secs(now.as_second().try_into().unwrap_or_default()),
        }
    }

    fn mail(&self, from: &Mailbox, to: Address) -> Option<Message> {
        let mut mail = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, to))
            .subject(&*self.subject)
            .date(self.date)
            .message_id(Some(format!("<{}@{}>", self.id, from.email.domain())))
            .multipart(MultiPart::alternative_plain_html(self.plain.clone(), self.html.clone()))
            .ok()?;
        // So that no program answers it (RFC 3834).
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        mail.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Some(mail)
    }
}

fn plain(event: &Event, facts: &[(&'static str, String)]) -> String {
    let facts = facts.iter().map(|(name, value)| format!("{name}: {value}\n"));
    let details = event.data.as_ref().map(|data| format!("\n{data}\n")).unwrap_or_default();
    format!("{}\n\n{}{details}", text(event), facts.collect::<String>())
}

fn html(event: &Event, facts: &[(&'static str, String)]) -> String {
    let row = |(name, value): &(&str, String)| {
        format!("<tr><th align=\"left\">{name}</th><td>{}</td></tr>", escape(value))
    };
    let rows: String = facts.iter().map(row).collect();
    let details = event.data.as_ref().map(|data| format!("<pre>{}</pre>", escape(data)));
    format!(
        "<!doctype html><meta charset=\"utf-8\"><p>{}</p><table>{rows}</table>{}",
        escape(text(event)),
        details.unwrap_or_default(),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

impl<'a> Connection<'a> {
    fn to(smtp: &'a Smtp) -> Result<Self, Verdict> {
        let malformed = || Verdict::failed("The deployment's sender address is not one.");
        let from = smtp.from.parse().map_err(|_| malformed())?;
        Ok(Self { smtp, from, open: None })
    }

    async fn send(&mut self, content: &Content, recipient: &str) -> Answer {
        // What is no address would be read as commands.
        let Ok(to) = recipient.parse::<Address>() else { return Answer::Refused(None, true) };
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.clone()]);
        let (Ok(envelope), Some(mail)) = (envelope, content.mail(&self.from, to)) else {
            return Answer::Refused(None, true);
        };
        let mut connection = match self.open.take() {
            Some(connection) => connection,
            None => match self.connect().await {
                Ok(connection) => connection,
                // Whoever cannot sign in may tomorrow: it is not the recipient's fault.
                Err(error) => return Answer::Refused(error.status().map(Into::into), false),
            },
        };
        let sent = connection.send(&envelope, &mail.formatted()).await;
        if !connection.has_broken() {
            self.open = Some(connection);
        }
        match sent {
            Ok(_) => Answer::Taken,
            Err(error) => {
                let is_final = error.is_permanent() || error.is_client();
                Answer::Refused(error.status().map(Into::into), is_final)
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let Smtp { host, port, tls, username, password, .. } = self.smtp;
        let own = ClientId::Domain(self.from.email.domain().to_owned());
        let parameters = || TlsParameters::new_rustls(host.clone());
        let implicit = if *tls == Tls::Implicit { Some(parameters()?) } else { None };
        let server = (host.as_str(), *port);
        let connecting = AsyncSmtpConnection::connect_tokio1(server, None, &own, implicit, None);
        let mut connection = connecting.await?;
        if *tls == Tls::Starttls {
            connection.starttls(parameters()?, &own).await?;
        }
        if let (Some(username), Some(password)) = (username, password) {
            let password = password.expose_secret().to_owned();
            let credentials = Credentials::new(username.clone(), password);
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await?;
        }
        Ok(connection)
    }

    async fn close(&mut self, deadline: Instant) {
        if let Some(mut connection) = self.open.take() {
            // All that matters was said.
            let _ = tokio::time::timeout_at(deadline, connection.quit()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delivery_has_failed_only_when_nobody_is_left_to_be_tried() {
        let of = |taken, refused, passing| verdict(Counts { taken, refused, passing }, Some(451));
        assert_eq!(of(3, 0, 0), Verdict::Delivered);
        let told = "2 of 3 recipients have taken it, 1 have refused it. The server answered 451.";
        assert_eq!(of(2, 1, 0), Verdict::refused(told));
        let told = "1 of 3 recipients have taken it, 1 have refused it. The server answered 451.";
        assert_eq!(of(1, 1, 1), Verdict::failed(told));
    }
}
