//! The whole: what starts in which order, and how it ends.

use std::{path::Path, sync::Arc};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    demo,
    engine::Engine,
    error::Error,
    inbox::Inbox,
    invoke::Api,
    place::Place,
    process::Process,
    schedule,
    secret::Secrets,
    stream::{self, TableStream},
    template::Template,
    watch,
};

/// Runs the stack until it is told to end.
///
/// # Errors
/// What kept it from starting, or ended it.
pub async fn run(port: u16) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    watch::check_folder()?;
    let place = Place::take(Path::new(".local"))?;
    watch::check_port(port)?;
    // Channels that are stored name the inbox: its port is the same after a restart.
    let inbox_port = port.saturating_add(1);
    watch::check_port(inbox_port).map_err(|_| Error::InboxPortInUse(inbox_port))?;
    let template = Template::load(Path::new("template.yaml"))?;
    say("==> starting the table");
    let engine = Engine::start(&place.data("table.db"), &template).await?;
    place.tell_table(&engine.url)?;
    say("==> starting Secrets Manager");
    let mut secrets = Secrets::start(&place, &template.secret).await?;
    let inbox = Inbox::start(inbox_port).await?;
    let sources = watch::sources()?;
    let mut watching = watch::start(&place, &engine, &secrets, &inbox, port, sources.path())?;
    let started = Started { place: &place, template: &template, inbox: &inbox, port };
    let stream = engine.stream()?;
    let outcome = tokio::select! {
        result = started.serve(&mut watching, &mut secrets, stream) => result,
        () = signals.any() => Ok(()),
    };
    say("==> stopping");
    tokio::join!(watching.stop(), secrets.process.stop());
    outcome
}

/// What has been started, as far as serving needs it.
struct Started<'a> {
    place: &'a Place,
    template: &'a Template,
    inbox: &'a Inbox,
    port: u16,
}

impl Started<'_> {
    async fn serve(
        &self,
        watching: &mut Process,
        secrets: &mut Secrets,
        stream: TableStream,
    ) -> Result<(), Error> {
        let Self { place, template, inbox, port } = *self;
        let waiting = |name: &str| say(&format!("==> waiting for the function {name}"));
        // What was published before a restart may be sent at once.
        let known = self.prepare_notifications(secrets).await?;
        watch::ready(watching, place, template, port, waiting).await?;
        let api = format!("http://127.0.0.1:{port}");
        demo::prepare(place, &api, &inbox.url).await?;
        if !known {
            self.prepare_notifications(secrets).await?;
        }
        say(&format!(
            "==> ready: {api} (reference at {api}/docs, values in .local/demo.env, logs in .local/log; Ctrl-C stops)
==> inbox: {} shows the mails, webhooks and messages that were sent
Try, in another terminal:
  . .local/demo.env
  curl -s $API_URL/api/user/profile -H \"Authorization: Bearer $ADMIN_API_KEY\"
  curl -s $API_URL/api/organization/limits -H \"Authorization: Bearer $ADMIN_API_KEY\"
  curl -s $API_URL/api/login --json \"{{\\\"email\\\":\\\"$ADMIN_EMAIL\\\",\\\"password\\\":\\\"$ADMIN_PASSWORD\\\"}}\"",
            inbox.url
        ));
        let invoke = Arc::new(Api { url: api });
        tokio::select! {
            error = watching.ended() => Err(error),
            error = secrets.process.ended() => Err(error),
            result = stream::serve(stream, place, template, Arc::clone(&invoke), say) => result,
            () = schedule::keep(template, invoke, say) => Ok(()),
        }
    }

    /// Creates the secret that notifications are sent with, where the template has one; whether the
    /// organizations that it is for are there.
    async fn prepare_notifications(&self, secrets: &Secrets) -> Result<bool, Error> {
        let Some(organizations) = demo::organizations(self.place) else { return Ok(false) };
        if self.template.has_notification_secret {
            secrets.create_notification_secret(self.inbox.smtp_port, &organizations).await?;
        }
        Ok(true)
    }
}

struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(Error::io("signals"));
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    async fn any(&mut self) {
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[expect(clippy::print_stdout, reason = "the developer's terminal")]
fn say(text: &str) {
    println!("{text}");
}
