//! The whole: what starts in which order, and how it ends.

use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    demo, engine::Engine, error::Error, place::Place, process::Process, secret::Secrets,
    template::Template, watch,
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
    let template = Template::load(Path::new("template.yaml"))?;
    say("==> starting the table");
    let engine = Engine::start(&place.data("table.db"), &template).await?;
    place.tell_table(&engine.url)?;
    say("==> starting Secrets Manager");
    let mut secrets = Secrets::start(&place, &template.secret).await?;
    let sources = watch::sources()?;
    let mut watching = watch::start(&place, &engine, &secrets, port, sources.path())?;
    let outcome = tokio::select! {
        result = serve(&mut watching, &mut secrets.process, &place, &template, port) => result,
        () = signals.any() => Ok(()),
    };
    say("==> stopping");
    tokio::join!(watching.stop(), secrets.process.stop());
    outcome
}

async fn serve(
    watching: &mut Process,
    secrets: &mut Process,
    place: &Place,
    template: &Template,
    port: u16,
) -> Result<(), Error> {
    let waiting = |name: &str| say(&format!("==> waiting for the function {name}"));
    watch::ready(watching, place, template, port, waiting).await?;
    let api = format!("http://127.0.0.1:{port}");
    demo::prepare(place, &api).await?;
    say(&format!(
        "==> ready: {api} (values in .local/demo.env, logs in .local/log; Ctrl-C stops)
Try, in another terminal:
  . .local/demo.env
  curl -s $API_URL/api/user/profile -H \"Authorization: Bearer $ADMIN_API_KEY\"
  curl -s $API_URL/api/organization/limits -H \"Authorization: Bearer $ADMIN_API_KEY\"
  curl -s $API_URL/api/login --json \"{{\\\"email\\\":\\\"$ADMIN_EMAIL\\\",\\\"password\\\":\\\"$ADMIN_PASSWORD\\\"}}\""
    ));
    Err(tokio::select! {
        error = watching.ended() => error,
        error = secrets.ended() => error,
    })
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
