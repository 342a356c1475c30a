//! A mail server that takes every mail and sends none on (RFC 5321). Recipients whose address begins
//! with `reject` are refused for good, those with `later` for now, for trying what a sender does then.

use std::sync::Arc;

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{MAX_BYTES, mail::Mail, message::Store};

/// The longest line, in bytes. RFC 5321 asks for 1,000.
const MAX_LINE: u64 = 64 * 1024;

/// How many recipients a mail has at most, as RFC 5321 asks for.
const MAX_RECIPIENTS: usize = 100;

pub(super) async fn serve(listener: TcpListener, store: Arc<Store>) {
    loop {
        // What cannot be accepted is the client's loss alone.
        if let Ok((stream, _)) = listener.accept().await {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                // A client that goes away has sent no mail.
                let _ = converse(stream, &store).await;
            });
        }
    }
}

async fn converse(mut stream: TcpStream, store: &Store) -> std::io::Result<()> {
    let (input, mut output) = stream.split();
    let mut input = BufReader::new(input);
    let mut session = Session::default();
    output.write_all(b"220 localhost keeps all mail\r\n").await?;
    loop {
        let mut line = Vec::new();
        (&mut input).take(MAX_LINE).read_until(b'\n', &mut line).await?;
        if !line.ends_with(b"\n") {
            return Ok(());
        }
        let answer = session.line(&line);
        if let Some(mail) = answer.mail {
            store.add(mail.into());
        }
        output.write_all(answer.text.as_bytes()).await?;
        if answer.ends {
            return Ok(());
        }
    }
}

/// What one client has said so far.
#[derive(Debug, Default)]
struct Session {
    sender: Option<String>,
    recipients: Vec<String>,
    /// The content, while it comes.
    content: Option<Vec<u8>>,
}

/// What a line is answered with.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    text: String,
    mail: Option<Mail>,
    ends: bool,
}

impl Answer {
    fn of(text: &str) -> Self {
        Self { text: format!("{text}\r\n"), ..Self::default() }
    }
}

impl Session {
    fn line(&mut self, line: &[u8]) -> Answer {
        match self.content.take() {
            Some(content) => self.content_line(content, line),
            None => self.command(&String::from_utf8_lossy(line)),
        }
    }

    fn content_line(&mut self, mut content: Vec<u8>, line: &[u8]) -> Answer {
        if matches!(line, b".\r\n" | b".\n") {
            let (sender, recipients) = (self.sender.take(), std::mem::take(&mut self.recipients));
            if content.len() > MAX_BYTES {
                return Answer::of("552 5.3.4 too large");
            }
            let mail = Mail { sender: sender.unwrap_or_default(), recipients, content };
            return Answer { mail: Some(mail), ..Answer::of("250 2.0.0 kept") };
        }
        // A line that begins with a dot has been given a second one.
        let line = line.strip_prefix(b".").unwrap_or(line);
        if content.len() <= MAX_BYTES {
            content.extend_from_slice(line);
        }
        self.content = Some(content);
        Answer::default()
    }

    fn command(&mut self, line: &str) -> Answer {
        let line = line.trim_end();
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                *self = Self::default();
                Answer::of(&format!(
                    "250-localhost\r\n250-SIZE {MAX_BYTES}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8"
                ))
            }
            "HELO" => {
                *self = Self::default();
                Answer::of("250 localhost")
            }
            "MAIL" => match address(rest, "FROM:") {
                Some(address) => {
                    *self = Self { sender: Some(address), ..Self::default() };
                    Answer::of("250 2.1.0 yes")
                }
                None => Answer::of("501 5.5.4 MAIL FROM:<address>"),
            },
            "RCPT" => self.recipient(rest),
            "DATA" if self.recipients.is_empty() => Answer::of("503 5.5.1 to nobody"),
            "DATA" => {
                self.content = Some(Vec::new());
                Answer::of("354 end with a dot on a line of its own")
            }
            "RSET" => {
                *self = Self::default();
                Answer::of("250 2.0.0 forgotten")
            }
            "NOOP" => Answer::of("250 2.0.0 yes"),
            "VRFY" => Answer::of("252 2.5.0 send, and see"),
            "QUIT" => Answer { ends: true, ..Answer::of("221 2.0.0 bye") },
            _ => Answer::of("502 5.5.1 not known here"),
        }
    }

    fn recipient(&mut self, rest: &str) -> Answer {
        let Some(address) = address(rest, "TO:").filter(|address| !address.is_empty()) else {
            return Answer::of("501 5.5.4 RCPT TO:<address>");
        };
        if self.sender.is_none() {
            Answer::of("503 5.5.1 from nobody")
        } else if address.starts_with("reject") {
            Answer::of("550 5.1.1 rejected, as the address asks for")
        } else if address.starts_with("later") {
            Answer::of("451 4.3.0 not now, as the address asks for")
        } else if self.recipients.len() == MAX_RECIPIENTS {
            Answer::of("452 4.5.3 too many recipients")
        } else {
            self.recipients.push(address);
            Answer::of("250 2.1.5 yes")
        }
    }
}

/// The address of `FROM:<address> PARAMETERS`.
fn address(text: &str, before: &str) -> Option<String> {
    let (name, rest) = text.split_at_checked(before.len())?;
    let rest = name.eq_ignore_ascii_case(before).then(|| rest.trim_start().strip_prefix('<'))??;
    Some(rest.split_once('>')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says lines; the codes of the answers.
    fn say(session: &mut Session, lines: &[&str]) -> Vec<String> {
        let answers = lines.iter().map(|line| session.line(format!("{line}\r\n").as_bytes()).text);
        answers.map(|text| text.chars().take(3).collect()).collect()
    }

    #[test]
    fn a_mail_is_taken_as_it_is_but_for_the_doubled_dots() {
        let mut session = Session::default();
        let lines = [
            "EHLO me",
            "mail from:<a@b.example> SIZE=20",
            "RCPT TO: <c@d.example>",
            "RCPT TO:<e@f.example>",
            "DATA",
        ];
        assert_eq!(say(&mut session, &lines), ["250", "250", "250", "250", "354"]);
        assert_eq!(say(&mut session, &["Subject: x", "", "..dotted", "QUIT"]), [""; 4]);
        let answer = session.line(b".\r\n");
        let mail = answer.mail.unwrap();
        assert_eq!(mail.sender, "a@b.example");
        assert_eq!(mail.recipients, ["c@d.example", "e@f.example"]);
        assert_eq!(mail.content, b"Subject: x\r\n\r\n.dotted\r\nQUIT\r\n");
        assert_eq!(say(&mut session, &["DATA"]), ["503"]);
        assert!(session.line(b"QUIT\r\n").ends);
    }

    #[test]
    fn what_comes_out_of_turn_is_refused() {
        let mut session = Session::default();
        let lines = [
            "RCPT TO:<a@b.example>",
            "DATA",
            "MAIL a@b.example",
            "MAIL FROM:<a@b",
            "STARTTLS",
            "€",
        ];
        assert_eq!(say(&mut session, &lines), ["503", "503", "501", "501", "502", "502"]);
        let lines = ["MAIL FROM:<>", "RCPT TO:<>", "RSET", "RCPT TO:<a@b.example>"];
        assert_eq!(say(&mut session, &lines), ["250", "501", "250", "503"]);
    }

    #[test]
    fn an_address_can_ask_to_be_refused() {
        let mut session = Session::default();
        let lines = [
            "MAIL FROM:<a@b.example>",
            "RCPT TO:<reject@acme.example>",
            "RCPT TO:<later@acme.example>",
        ];
        assert_eq!(say(&mut session, &lines), ["250", "550", "451"]);
    }

    #[test]
    fn a_mail_that_is_too_large_is_not_kept() {
        let mut session = Session::default();
        say(&mut session, &["MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"]);
        let line = "x".repeat(60_000);
        for _ in 0..=MAX_BYTES / 60_000 {
            say(&mut session, &[&line]);
        }
        assert_eq!(session.line(b".\r\n"), Answer::of("552 5.3.4 too large"));
    }
}
