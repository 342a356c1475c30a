//! An SMTP server on loopback that keeps what it takes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// A mail that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) text: String,
}

impl Mail {
    /// The value of a header, its folded lines as one.
    pub(crate) fn header(&self, name: &str) -> String {
        let head = self.text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let line = head.lines().find(|line| line.starts_with(&format!("{name}: "))).unwrap();
        line[name.len() + 2..].to_owned()
    }
}

/// A server.
#[derive(Clone)]
pub(crate) struct Smtp {
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    mails: Mutex<Vec<Mail>>,
    /// What is answered to a recipient who is not taken.
    answers: Mutex<HashMap<String, u16>>,
    /// Whom it was asked to take mails for, however it answered.
    asked: Mutex<Vec<String>>,
    signed_in: Mutex<Vec<String>>,
}

impl Smtp {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<State>::default();
        let own = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&own)));
            }
        });
        Self { port, state }
    }

    pub(crate) fn answer(&self, recipient: &str, code: Option<u16>) {
        let mut answers = self.state.answers.lock().unwrap();
        match code {
            Some(code) => answers.insert(recipient.to_owned(), code),
            None => answers.remove(recipient),
        };
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.state.mails.lock().unwrap().clone()
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().clone()
    }

    pub(crate) fn signed_in(&self) -> Vec<String> {
        self.state.signed_in.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    say(&mut stream, "220 sink ESMTP").await?;
    let (mut from, mut to) = (String::new(), String::new());
    loop {
        let line = line(&mut stream).await?;
        let verb = line.split(' ').next().unwrap().to_ascii_uppercase();
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        match verb.as_str() {
            "EHLO" => say(&mut stream, "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN").await?,
            "AUTH" => {
                state.signed_in.lock().unwrap().push(line.clone());
                say(&mut stream, "235 welcome").await?;
            }
            "MAIL" => {
                from = address();
                say(&mut stream, "250 ok").await?;
            }
            "RCPT" => {
                to = address();
                state.asked.lock().unwrap().push(to.clone());
                let code = state.answers.lock().unwrap().get(&to).copied();
                say(&mut stream, &format!("{} told", code.unwrap_or(250))).await?;
            }
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                let mail =
                    Mail { from: from.clone(), to: to.clone(), text: data(&mut stream).await? };
                state.mails.lock().unwrap().push(mail);
                say(&mut stream, "250 taken").await?;
            }
            "QUIT" => return say(&mut stream, "221 bye").await,
            _ => say(&mut stream, "502 what").await?,
        }
    }
}

async fn data(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = String::new();
    loop {
        let line = line(stream).await?;
        if line == "." {
            return Some(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        text.push_str("\r\n");
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches("\r\n").to_owned())
}

async fn say(stream: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await.ok()
}
